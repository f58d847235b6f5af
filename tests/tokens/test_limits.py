"""How many requests a token may send: it counts against its key."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from realms.models import Realm
from tests.cast import Agent, new_key
from tests.refusals import refusals_allowed
from tests.tokens.presenting import present
from tests.tokens.signing import Signer, hub_token


@pytest.fixture
def limited(realm: Realm) -> Signer:
    """A session whose key may read and write three times a minute."""
    return Signer(new_key(realm, reads_per_minute=3, writes_per_minute=3)[1], "limited")


def test_a_key_and_its_tokens_share_one_window(limited: Signer) -> None:
    agents = [limited.agent, limited.bearer(), Agent(None, limited.session, token=hub_token(limited.agent))]
    for left, agent in zip((2, 1, 0), agents, strict=True):
        answer = agent.get("sessions")
        assert answer.status == 200
        assert answer.headers["RateLimit-Policy"] == '"read";q=3;w=60'
        assert f";r={left};" in answer.headers["RateLimit"]

    for agent in [*agents, limited.bearer()]:
        answer = agent.get("sessions")
        assert (answer.status, answer.code) == (429, "rate_limited")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_a_sibling_shares_it_too(realm: Realm) -> None:
    key = new_key(realm, reads_per_minute=2)[1]
    one, other = Signer(key, "one"), Signer(key, "other")
    assert one.bearer().get("sessions").status == 200
    assert other.bearer().get("sessions").status == 200

    assert other.bearer().get("sessions").status == 429


def test_another_key_of_the_realm_has_its_own(limited: Signer, signer: Signer) -> None:
    for _ in range(4):
        limited.bearer().get("sessions")

    assert signer.bearer().get("sessions").status == 200


def test_reads_and_writes_count_apart(limited: Signer) -> None:
    bearer = limited.bearer()
    for _ in range(3):
        assert bearer.send(bearer).status == 200

    assert bearer.send(bearer).code == "rate_limited"
    assert bearer.get("messages").status == 200


def test_asking_for_a_token_is_a_write(limited: Signer) -> None:
    for _ in range(3):
        assert limited.bearer().post(f"sessions/{limited.id}/token").status == 200

    assert limited.agent.post(f"sessions/{limited.id}/token").code == "rate_limited"


@pytest.fixture
def few_refusals(settings: Settings) -> Iterator[None]:
    """Five refused credentials a minute, and none before."""
    with refusals_allowed(settings, 5):
        yield


def test_a_refused_token_counts_against_its_address_and_no_key(limited: Signer, few_refusals: None) -> None:
    expired = limited.token(iat=1, exp=2)
    good = limited.bearer()
    assert good.get("sessions").status == 200

    for _ in range(5):
        answer = present(expired)
        assert answer.status == 401
        assert answer.headers["RateLimit-Policy"] == '"refused-credentials";q=5;w=60'
    assert present(expired).code == "rate_limited"

    answers = [good.get("sessions") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].headers["RateLimit-Policy"] == '"read";q=3;w=60'
