"""Rate limits: of keys by the minute, and of addresses whose credentials are refused."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from hub.api import limits
from hub.api.windows import LocalWindows
from hub.messages.models import Message
from realms.models import Realm
from tests.api.test_windows import Clock
from tests.cases import cases
from tests.cast import Agent, Answer, new_agent, new_key, new_realm
from tests.refusals import refusals_allowed
from tests.rows import set_realm
from tests.tokens.signing import Signer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """The clock of windows that nobody else has counted in."""
    clock = Clock()
    monkeypatch.setattr("hub.api.windows.time", clock)
    local = LocalWindows()
    monkeypatch.setattr(limits, "windows", lambda: local)
    yield clock


@pytest.fixture
def few_refusals(settings: Settings) -> Iterator[None]:
    """Three refused credentials a minute, and none before."""
    with refusals_allowed(settings, 3):
        yield


def limited(realm: Realm, **options: Any) -> Agent:
    return new_agent(new_key(realm, **options)[1], "limited")


def left(answer: Answer) -> tuple[str, int, int, int]:
    """Return the policy's name, its quota, what remains, and the seconds."""
    policy = re.fullmatch(r'"([a-z-]+)";q=(\d+);w=60', answer.headers["RateLimit-Policy"])
    state = re.fullmatch(r'"([a-z-]+)";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    assert policy and state and policy[1] == state[1]
    return policy[1], int(policy[2]), int(state[2]), int(state[3])


def test_reads_and_writes_are_counted_apart(realm: Realm, clock: Clock) -> None:
    agent = limited(realm, reads_per_minute=2, writes_per_minute=1)

    assert left(agent.get("sessions")) == ("read", 2, 1, 60)
    clock.pass_(10)
    assert left(agent.get("messages")) == ("read", 2, 0, 50)
    assert left(agent.send(agent)) == ("write", 1, 0, 60)

    for refused in (agent.get("sessions"), agent.send(agent)):
        assert (refused.status, refused.code) == (429, "rate_limited")
    assert Message.objects.count() == 1


def test_a_refused_request_is_accepted_after_its_retry_after(realm: Realm, clock: Clock) -> None:
    agent = limited(realm, reads_per_minute=2)
    agent.get("sessions")
    clock.pass_(20)
    agent.get("sessions")

    refused = agent.get("sessions")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "40")
    assert left(refused) == ("read", 2, 0, 40)
    assert "40 seconds" in refused.json["detail"]

    clock.pass_(int(refused.headers["Retry-After"]))
    assert agent.get("sessions").status == 200


def test_whatever_becomes_of_a_request_it_counts(realm: Realm, clock: Clock) -> None:
    agent = limited(realm, scopes=["read"], reads_per_minute=4, writes_per_minute=1)

    answers = [agent.get("sessions?x=1"), agent.get("messages/none"), agent.get("grants/none")]
    refused = agent.send(agent)

    assert [answer.status for answer in answers] == [400, 404, 404]
    assert [left(answer)[2] for answer in answers] == [3, 2, 1]
    assert refused.code == "scope_missing" and left(refused) == ("write", 1, 0, 60)
    assert agent.send(agent).code == "rate_limited"


@pytest.mark.parametrize(
    ("hub", "of_realm", "of_key", "expected"),
    [(7, None, None, 7), (7, 5, None, 5), (7, 5, 3, 3), (7, None, 3, 3), (7, 0, None, limits.UNLIMITED)],
)
def test_the_nearest_limit_holds(
    realm: Realm,
    clock: Clock,
    settings: Settings,
    hub: int,
    of_realm: int | None,
    of_key: int | None,
    expected: int,
) -> None:
    settings.HUB_READS_PER_MINUTE = hub
    set_realm(realm, reads_per_minute=of_realm)

    assert left(limited(realm, reads_per_minute=of_key).get("sessions"))[1] == expected


def test_a_key_without_a_limit_is_never_refused(realm: Realm, clock: Clock, settings: Settings) -> None:
    settings.HUB_READS_PER_MINUTE = 1
    agent = limited(realm, reads_per_minute=0)

    assert [agent.get("sessions").status for _ in range(3)] == [200] * 3


def test_tokens_count_against_the_key_of_their_session(realm: Realm, clock: Clock) -> None:
    signer = Signer(new_key(realm, reads_per_minute=2)[1], "sam")

    assert left(signer.bearer().get("sessions"))[2] == 1
    assert left(signer.agent.get("sessions"))[2] == 0
    assert signer.bearer().get("sessions").code == "rate_limited"


def test_keys_are_counted_apart(realm: Realm, clock: Clock) -> None:
    first, second = (Agent(new_key(realm, reads_per_minute=1)[1]) for _ in range(2))
    first.get("sessions")

    assert (first.get("sessions").status, second.get("sessions").status) == (429, 200)


def test_the_keys_of_a_realm_share_its_limit(realm: Realm, clock: Clock, settings: Settings) -> None:
    settings.HUB_REALM_REQUESTS_PER_MINUTE = 3
    one, other = (Agent(new_key(realm, reads_per_minute=2, writes_per_minute=9)[1]) for _ in range(2))
    elsewhere = Agent(new_key(new_realm("mallory"))[1])

    assert [left(one.get("sessions"))[:3] for _ in range(2)] == [("read", 2, 1), ("read", 2, 0)]
    assert left(one.get("sessions"))[0] == "read", "its own limit, which the realm's does not hide"
    clock.pass_(10)
    assert other.get("sessions").status == 200, "what a key was refused did not count against the realm"

    refused = other.post("sessions", {"name": "x", "kind": "service"})

    assert (refused.status, refused.code) == (429, "rate_limited")
    assert left(refused) == ("realm", 3, 0, 50)
    assert refused.headers["Retry-After"] == "50"
    assert "All keys of this realm together may send 3 requests a minute" in refused.json["detail"]
    assert elsewhere.get("sessions").status == 200
    clock.pass_(50)
    assert left(other.post("sessions", {"name": "x", "kind": "service"}))[:3] == ("write", 9, 8)


def test_an_unlimited_key_is_in_its_realms_limit(realm: Realm, clock: Clock, settings: Settings) -> None:
    settings.HUB_REALM_REQUESTS_PER_MINUTE = 1
    agent = Agent(new_key(realm, reads_per_minute=0)[1])

    answers = [agent.get("sessions") for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 429]
    assert [left(answer)[:3] for answer in answers] == [("realm", 1, 0)] * 2


def test_a_refused_credential_counts_against_its_address(
    realm: Realm, clock: Clock, few_refusals: None
) -> None:
    good = Agent(new_key(realm, reads_per_minute=5)[1])
    assert good.get("sessions").status == 200

    refused = [Agent("x").get("sessions") for _ in range(5)]

    assert [answer.status for answer in refused] == [401] * 3 + [429] * 2
    assert [left(answer)[:3] for answer in refused] == [
        ("refused-credentials", 3, rest, ) for rest in (2, 1, 0, 0, 0)
    ]  # fmt: skip
    assert refused[4].code == "rate_limited" and 1 <= int(refused[4].headers["Retry-After"]) <= 61
    assert left(good.get("sessions")) == ("read", 5, 3, 60), "a known key works from there all the same"


@pytest.mark.parametrize("headers", [{}, {"X-AISP-Key": "x"}, {"Authorization": "Bearer x"}])
def test_every_kind_of_refused_credential_counts(
    db: None, few_refusals: None, headers: dict[str, str]
) -> None:
    assert [Agent(None).get("sessions", headers=headers).status for _ in range(4)] == [401] * 3 + [429]


def test_addresses_are_counted_apart(db: None, few_refusals: None) -> None:
    for _ in range(4):
        limits_status = Agent(None).get("sessions").status
    assert limits_status == 429

    assert limits.address_headers("192.0.2.7")["RateLimit"].startswith('"refused-credentials";r=3;')


@cases(
    ("method", "path"),
    [("GET", "nothing"), ("PUT", "sessions"), ("GET", "schema"), ("GET", "sessions")],
)
def test_an_answer_that_no_key_stands_behind_has_the_headers_too(db: None, method: str, path: str) -> None:
    assert left(Agent(None).call(method, path))[0] == "refused-credentials"
