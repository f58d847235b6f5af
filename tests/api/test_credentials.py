"""Who may call: the credentials of a request."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from hub.sessions.models import Session
from realms import identity, key_format, keys, owners
from realms.models import ApiKey, ApiKeySecret, Realm
from tests.cases import cases
from tests.cast import OPERATOR, Agent, Answer, new_agent, new_key
from tests.clock import Clock

GOOD = {"name": "agent", "kind": "service"}
UNKNOWN = key_format.new_plaintext()


def without_request_id(answer: Answer) -> dict[str, object]:
    return {name: value for name, value in answer.json.items() if name != "request_id"}


def set_key(key: str, **columns: object) -> None:
    """Change a key in the database, and have the hub notice at once."""
    ApiKey.objects.filter(secrets__digest=key_format.digest_of(key)).update(**columns)
    identity.forget_cached_keys()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(identity, "time", clock)
    yield clock


def test_a_good_key_opens(caller: Agent) -> None:
    assert caller.get("sessions").status == 200


def test_no_malformed_and_unknown_keys_answer_alike(caller: Agent) -> None:
    assert caller.key
    typo = caller.key[:-1] + ("0" if caller.key[-1] != "0" else "1")
    presented = [
        None,
        "x",
        "",
        typo,
        caller.key + "\t0",
        caller.key.upper(),
        UNKNOWN,
        "ä" * 43,
        "aisp_" + "0" * 38,
    ]
    bodies = []

    for key in presented:
        answer = Agent(None).get("sessions", headers={"X-AISP-Key": key} if key is not None else {})
        assert (answer.status, answer.code) == (401, "invalid_credentials"), key
        assert "AISP-Key" in answer.headers["WWW-Authenticate"]
        bodies.append(without_request_id(answer))

    bodies.append(without_request_id(Agent(None).get("sessions", headers={"Authorization": "Bearer x"})))
    assert all(body == bodies[0] for body in bodies)


@cases("change", ["typo", "short", "long", "prefix", "line break"])
def test_a_key_that_cannot_be_costs_no_query(
    key: str, change: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    swapped = "0" if key[10] != "0" else "1"
    wrong = {
        "typo": key[:10] + swapped + key[11:],
        "short": key[:-1],
        "long": key + "0",
        "prefix": "aips_" + key[5:],
        "line break": key + "\n",
    }[change]

    with django_assert_num_queries(0):
        assert identity.look_up(wrong) is None
    with django_assert_num_queries(0):
        assert Agent(wrong.strip("\n") + "x" * (change == "line break")).get("sessions").status == 401


def test_a_bearer_token_alone_is_not_accepted(alice: Agent) -> None:
    assert alice.key

    for token in ("Bearer eyJhbGciOiJub25lIn0.e30.", f"Bearer {alice.key}", "Basic YTpi", ""):
        answer = Agent(None).get("sessions", headers={"Authorization": token or " "})
        assert (answer.status, answer.code) == (401, "invalid_credentials")


@pytest.mark.parametrize("token", ["Bearer x", "Basic YTpi", " "])
def test_two_credentials_are_ambiguous(caller: Agent, token: str) -> None:
    answer = caller.get("sessions", headers={"Authorization": token})

    assert (answer.status, answer.code) == (400, "ambiguous_credentials")


def test_whoever_has_the_secret_is_told_that_it_expired(key: str, caller: Agent) -> None:
    set_key(key, expires_at=timezone.now() + timedelta(minutes=1))
    assert caller.get("sessions").status == 200

    set_key(key, expires_at=timezone.now() - timedelta(microseconds=1))

    answer = caller.get("sessions")
    assert (answer.status, answer.code) == (401, "key_expired")
    assert "WWW-Authenticate" in answer.headers


def test_a_key_expires_in_the_cache_too(key: str, caller: Agent, clock: Clock) -> None:
    set_key(key, expires_at=timezone.now() + timedelta(milliseconds=250))
    found = identity.look_up(key)
    assert found is not None

    while timezone.now() < (found.expires_at or timezone.now()):
        pass

    assert caller.get("sessions").code == "key_expired"


def test_a_secret_that_was_rotated_out_expires_by_itself(key: str, caller: Agent) -> None:
    ApiKeySecret.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert caller.get("sessions").code == "key_expired"


def test_whoever_has_the_secret_is_told_that_it_was_revoked(key: str, caller: Agent) -> None:
    set_key(key, status=ApiKey.Status.REVOKED, expires_at=timezone.now() - timedelta(days=1))

    answer = caller.get("sessions")

    assert (answer.status, answer.code) == (401, "key_revoked")


def test_a_disabled_key_answers_like_an_unknown_one(key: str, caller: Agent) -> None:
    unknown = Agent(UNKNOWN).get("sessions")
    set_key(key, status=ApiKey.Status.DISABLED)

    assert without_request_id(caller.get("sessions")) == without_request_id(unknown)

    set_key(key, status=ApiKey.Status.ACTIVE)
    assert caller.get("sessions").status == 200


def test_read_covers_get_alone(realm: Realm) -> None:
    reader = new_agent(new_key(realm, scopes=["read"])[1], "reader")

    for path in ("sessions", f"sessions/{reader.id}", "messages", "grants", "memory"):
        assert reader.get(path).status == 200
    for answer in (
        reader.post("sessions", GOOD),
        reader.send(reader),
        reader.post("messages/ack", {"up_to": "msg_01HX9J2N3PQRSTVWXYZ0123456"}),
        reader.delete(f"sessions/{reader.id}"),
        reader.post("memory", {"entries": [{"key": "a", "value": 1}]}),
    ):
        assert (answer.status, answer.code) == (403, "scope_missing")
    assert Session.objects.get().status == "active"


def test_write_covers_the_rest_and_no_get(realm: Realm) -> None:
    writer = new_agent(new_key(realm, scopes=["write"])[1], "writer")

    assert writer.send(writer).status == 200
    assert writer.post("sessions", GOOD).status == 200
    for path in ("sessions", f"sessions/{writer.id}", "messages", "grants", "memory"):
        answer = writer.get(path)
        assert (answer.status, answer.code) == (403, "scope_missing")


def test_nothing_works_in_a_suspended_realm(realm: Realm, alice: Agent, mallory: Agent) -> None:
    owners.set_realm_status(realm=realm, status=Realm.Status.SUSPENDED, by=OPERATOR)
    identity.forget_cached_keys()

    for answer in (
        alice.get("sessions"),
        alice.get("messages"),
        alice.send(alice),
        alice.post("sessions", GOOD),
        alice.delete(f"sessions/{alice.id}"),
    ):
        assert (answer.status, answer.code) == (403, "realm_suspended")
    assert mallory.get("messages").status == 200

    owners.set_realm_status(realm=realm, status=Realm.Status.ACTIVE, by=OPERATOR)
    identity.forget_cached_keys()
    assert alice.get("messages").status == 200


@pytest.mark.parametrize("change", ["revoke", "suspend"])
def test_a_change_takes_effect_within_a_second(
    realm: Realm, key: str, caller: Agent, clock: Clock, change: str
) -> None:
    assert caller.get("sessions").status == 200
    if change == "revoke":
        keys.set_status(key=ApiKey.objects.get(), status=ApiKey.Status.REVOKED, by=OPERATOR)
    else:
        owners.set_realm_status(realm=realm, status=Realm.Status.SUSPENDED, by=OPERATOR)

    clock.now += 0.5
    caller.get("sessions")  # being used does not keep it in the cache
    clock.now += 0.5

    assert caller.get("sessions").code == {"revoke": "key_revoked", "suspend": "realm_suspended"}[change]


def test_a_busy_key_is_looked_up_once_a_second(
    key: str, clock: Clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):  # two look-ups, and a note that it is in use
        for _ in range(20):
            assert identity.look_up(key) is not None
            clock.now += 0.099


def test_an_unknown_key_works_as_soon_as_it_is_there(realm: Realm) -> None:
    assert Agent(UNKNOWN).get("sessions").status == 401
    issued, _ = new_key(realm)
    ApiKeySecret.objects.filter(key=issued).update(digest=key_format.digest_of(UNKNOWN))

    assert Agent(UNKNOWN).get("sessions").status == 200
