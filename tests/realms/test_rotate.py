"""Rotation: a key gets a new secret, and the old one goes on working for a grace."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from realms.keys import GRACES, rotate_key, set_status
from realms.models import ApiKey, ApiKeySecret, Realm
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cases import cases
from tests.cast import OPERATOR, Agent, new_agent, new_key
from tests.rows import forget_credentials
from tests.tokens.signing import Signer

MOMENT = timedelta(milliseconds=1)
WORKS = "200"
REAL_GRACES = {name: grace for name, grace in GRACES.items() if grace}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is moved."""
    now = datetime.now(UTC).replace(microsecond=0)
    with time_machine.travel(now, tick=False) as clock:
        yield clock


@pytest.fixture
def issued(realm: Realm) -> tuple[ApiKey, str]:
    """A key with its secret."""
    return new_key(realm)


def rotate(key: ApiKey, grace: str = "1h", *, force: bool = False) -> str:
    return rotate_key(key=key, grace=GRACES[grace], by=OPERATOR, force=force)


def answer_to(secret: str) -> str:
    """Return what whoever presents a secret now is told."""
    forget_credentials()
    answer = Agent(secret).get("sessions")
    if answer.status == 401:
        return answer.code
    return str(answer.status)


def kept() -> list[Any]:
    return [
        list(ApiKey.objects.order_by("pk").values()),
        list(ApiKeySecret.objects.order_by("pk").values()),
    ]


@pytest.mark.parametrize("grace", REAL_GRACES)
def test_the_old_secret_works_until_exactly_its_grace_is_over(
    clock: time_machine.Traveller, issued: tuple[ApiKey, str], grace: str
) -> None:
    key, old = issued
    began = timezone.now()

    new = rotate(key, grace)

    assert (answer_to(new), answer_to(old)) == (WORKS, WORKS)
    clock.move_to(began + GRACES[grace] - MOMENT)
    assert (answer_to(new), answer_to(old)) == (WORKS, WORKS)
    clock.move_to(began + GRACES[grace])
    assert (answer_to(new), answer_to(old)) == (WORKS, "key_expired")


def test_without_a_grace_the_old_secret_ends_at_once(issued: tuple[ApiKey, str]) -> None:
    key, old = issued
    assert answer_to(old) == WORKS

    new = rotate(key, "none")

    assert (answer_to(new), answer_to(old)) == (WORKS, "key_expired")


def test_it_stays_the_same_key(realm: Realm) -> None:
    key, old = new_key(realm, scopes=["read"], reads_per_minute=5, writes_per_minute=0)
    before = ApiKey.objects.values().get()

    new = rotate(key)

    assert new != old
    assert ApiKey.objects.values().get() == before
    # They share what is left of the minute, too.
    left = [Agent(secret).get("sessions").headers["RateLimit"].split(";")[1] for secret in (old, new, old)]
    assert left == ["r=4", "r=3", "r=2"]
    assert Agent(new).post("sessions", {"name": "a", "kind": "executor"}).code == "scope_missing"


def test_its_sessions_stay_and_their_tokens_too(issued: tuple[ApiKey, str]) -> None:
    key, old = issued
    alice, signer = new_agent(old, "alice"), Signer(old, "signer")
    bearer = signer.bearer()

    new = rotate(key, "none")
    forget_credentials()

    assert bearer.send(alice).status == 200
    assert [message["from"] for message in Agent(new, alice.session).inbox()] == [signer.id]


@cases(
    "grace",
    [
        timedelta(seconds=-1),
        timedelta(seconds=1),
        timedelta(minutes=16),
        timedelta(hours=24, microseconds=1),
        timedelta(days=8),
    ],
)
def test_other_spans_are_refused(issued: tuple[ApiKey, str], grace: timedelta) -> None:
    before = kept()

    with pytest.raises(Refusal) as refused:
        rotate_key(key=issued[0], grace=grace, by=OPERATOR)

    assert (refused.value.code, refused.value.errors[0]["pointer"]) == ("invalid_request", "/grace")
    assert kept() == before
    assert answer_to(rotate_key(key=issued[0], grace=timedelta(minutes=15), by=OPERATOR)) == WORKS


def test_a_second_rotation_waits_for_the_end_of_the_grace(
    clock: time_machine.Traveller, issued: tuple[ApiKey, str]
) -> None:
    key, old = issued
    new = rotate(key, "15m")
    clock.shift(GRACES["15m"] - MOMENT)
    before = kept()

    with pytest.raises(Refusal, match="rotation_in_grace"):
        rotate(key, "15m")

    assert kept() == before
    clock.shift(MOMENT)
    newest = rotate(key, "15m")
    assert [answer_to(secret) for secret in (old, new, newest)] == ["key_expired", WORKS, WORKS]


def test_a_forced_rotation_ends_the_oldest_secret_at_once(
    clock: time_machine.Traveller, issued: tuple[ApiKey, str]
) -> None:
    key, oldest = issued
    old = rotate(key, "7d")
    assert answer_to(oldest) == WORKS

    new = rotate(key, "1h", force=True)

    assert [answer_to(secret) for secret in (oldest, old, new)] == ["key_expired", WORKS, WORKS]
    clock.shift(GRACES["1h"])
    assert [answer_to(secret) for secret in (oldest, old, new)] == ["key_expired", "key_expired", WORKS]


def test_force_where_there_is_nothing_to_force_is_a_rotation(issued: tuple[ApiKey, str]) -> None:
    key, old = issued

    new = rotate(key, "1h", force=True)

    assert (answer_to(old), answer_to(new)) == (WORKS, WORKS)


def test_a_grace_does_not_outlive_the_key(clock: time_machine.Traveller, realm: Realm) -> None:
    ends = timezone.now() + timedelta(minutes=30)
    key, old = new_key(realm, expires_at=ends)

    new = rotate(key, "1h")

    clock.move_to(ends - MOMENT)
    assert (answer_to(old), answer_to(new)) == (WORKS, WORKS)
    clock.move_to(ends)
    assert (answer_to(old), answer_to(new)) == ("key_expired", "key_expired")


def test_a_secret_whose_grace_ends_first_ends_first(clock: time_machine.Traveller, realm: Realm) -> None:
    key, old = new_key(realm, expires_at=timezone.now() + timedelta(hours=2))

    new = rotate(key, "1h")
    clock.shift(GRACES["1h"])

    assert (answer_to(old), answer_to(new)) == ("key_expired", WORKS)


@pytest.mark.parametrize("force", [True, False])
def test_a_revoked_key_is_not_rotated(issued: tuple[ApiKey, str], force: bool) -> None:
    key, _ = issued
    stale = ApiKey.objects.get(pk=key.pk)
    set_status(key=key, status=ApiKey.Status.REVOKED, by=OPERATOR)
    before = kept()

    with pytest.raises(Refusal, match="key_revoked"):
        rotate(stale, force=force)

    assert kept() == before


@pytest.mark.parametrize("force", [True, False])
def test_an_expired_key_is_not_rotated(clock: time_machine.Traveller, realm: Realm, force: bool) -> None:
    key, old = new_key(realm, expires_at=timezone.now() + timedelta(hours=1))
    clock.shift(timedelta(hours=1))
    before = kept()

    with pytest.raises(Refusal, match="key_expired"):
        rotate(key, force=force)

    assert kept() == before
    assert answer_to(old) == "key_expired"


def test_a_disabled_key_is_rotated_and_stays_disabled(issued: tuple[ApiKey, str]) -> None:
    key, old = issued
    set_status(key=key, status=ApiKey.Status.DISABLED, by=OPERATOR)

    new = rotate(key)

    assert (answer_to(old), answer_to(new)) == ("invalid_credentials", "invalid_credentials")
    set_status(key=key, status=ApiKey.Status.ACTIVE, by=OPERATOR)
    assert (answer_to(old), answer_to(new)) == (WORKS, WORKS)


def test_another_realms_key_is_left_alone(issued: tuple[ApiKey, str], mallory: Agent) -> None:
    assert mallory.key is not None

    rotate(issued[0], "none")

    assert answer_to(mallory.key) == WORKS


def _attempt(key: ApiKey, grace: str) -> str:
    try:
        return rotate(key, grace)
    except Refusal as refusal:
        return refusal.code


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("grace", REAL_GRACES)
def test_of_rotations_at_once_one_wins(issued: tuple[ApiKey, str], grace: str) -> None:
    key, old = issued

    outcomes = at_once(*[partial(_attempt, key, grace)] * 3)

    assert outcomes.count("rotation_in_grace") == 2
    [new] = [outcome for outcome in outcomes if outcome != "rotation_in_grace"]
    assert (answer_to(old), answer_to(new)) == (WORKS, WORKS)
    assert ApiKeySecret.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_rotations_without_a_grace_at_once_the_last_one_counts(issued: tuple[ApiKey, str]) -> None:
    key, old = issued

    outcomes = at_once(*[partial(_attempt, key, "none")] * 3)

    assert sorted(map(answer_to, outcomes)) == [WORKS, "key_expired", "key_expired"]
    assert answer_to(old) == "key_expired"
