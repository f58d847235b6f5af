"""An address with too many refused credentials: a stranger there costs no queries and locks out nobody."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from hub.api import accepted
from realms.key_format import new_plaintext
from realms.keys import set_status
from realms.models import ApiKey, Realm
from tests.cast import OPERATOR, Agent, Answer, new_key
from tests.clock import Clock
from tests.refusals import refusals_allowed
from tests.rows import forget_credentials
from tests.tokens.signing import Signer, hub_token


@pytest.fixture
def few_refusals(settings: Settings) -> Iterator[None]:
    """Three refused credentials a minute, and none before."""
    with refusals_allowed(settings, 3):
        yield


def busy_stranger() -> None:
    """Have a stranger be refused from the address of all tests until it gets its 429."""
    answers = [Agent(new_plaintext()).get("sessions") for _ in range(4)]
    assert [answer.status for answer in answers] == [401] * 3 + [429]


def assert_turned_away(answer: Answer) -> None:
    assert (answer.status, answer.code) == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert answer.headers["RateLimit"].startswith('"refused-credentials";r=0;')


def test_unknown_credentials_cost_no_query(
    realm: Realm, few_refusals: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    stranger = Signer(new_key(realm)[1], "stranger")
    unknown = [
        Agent(new_plaintext()),  # well formed, so that only the database can tell
        stranger.bearer(),
        Agent(None, token=hub_token(stranger.agent)),
        Agent(None),
    ]
    busy_stranger()

    for agent in unknown:
        with django_assert_num_queries(0):
            assert_turned_away(agent.get("sessions"))


def test_credentials_that_were_accepted_lately_keep_working(
    key: str, few_refusals: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    signer = Signer(key, "signer")
    accepted_before = [signer.agent, signer.bearer(), Agent(None, token=hub_token(signer.agent))]
    for agent in accepted_before:
        assert agent.get("sessions").status == 200
    busy_stranger()

    for agent in accepted_before:
        forget_credentials()  # so that each is looked up again
        assert agent.get("sessions").status == 200
        with django_assert_num_queries(0):
            assert_turned_away(Agent(new_plaintext()).get("sessions"))


def test_a_credential_that_was_accepted_is_still_checked_for_revocation(
    realm: Realm, few_refusals: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    key, plaintext = new_key(realm)
    agent = Agent(plaintext)
    assert agent.get("sessions").status == 200
    busy_stranger()
    set_status(key=key, status=ApiKey.Status.REVOKED, by=OPERATOR)
    forget_credentials()

    assert_turned_away(agent.get("sessions"))
    with django_assert_num_queries(0):  # it is known no more
        assert_turned_away(agent.get("sessions"))


@pytest.mark.parametrize(("minutes", "status"), [(59, 200), (61, 429)])
def test_for_an_hour(
    realm: Realm, few_refusals: None, monkeypatch: pytest.MonkeyPatch, minutes: int, status: int
) -> None:
    clock = Clock()
    monkeypatch.setattr(accepted, "time", clock)
    agent = Agent(new_key(realm)[1])
    assert agent.get("sessions").status == 200
    busy_stranger()

    clock.now += minutes * 60

    assert agent.get("sessions").status == status


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepted, "CREDENTIALS", 2)
    accepted.forget_all()
    one, two, three = ({"x-aisp-key": name} for name in "123")

    for headers in (one, two, one, three):
        accepted.remember(headers)

    assert [accepted.is_known(headers) for headers in (one, two, three)] == [True, False, True]
    assert len(accepted._accepted) == 2
