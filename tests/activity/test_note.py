"""What counts: each request of a realm's keys, what was taken, and what was refused and why."""

from realms import keys
from realms.models import ApiKey, Realm
from tests.activity.tallies import tallies
from tests.cast import OPERATOR, Agent, new_key
from tests.rows import forget_credentials, set_realm


def test_a_request_counts_once(realm: Realm, alice: Agent) -> None:
    assert alice.get("sessions").status == 200

    assert tallies(realm) == {"requests": 1}


def test_a_message_counts_as_one_however_many_get_it(realm: Realm, alice: Agent, bob: Agent) -> None:
    assert alice.send([alice, bob]).status == 200

    assert tallies(realm) == {"requests": 1, "messages": 1}


def test_a_message_that_is_sent_again_under_its_name_counts_once(realm: Realm, alice: Agent) -> None:
    envelope = {"aisp": "0.1", "from": alice.id, "to": alice.id, "category": "message", "payload": {}}
    for _ in range(3):
        assert alice.post("messages", envelope, headers={"Idempotency-Key": "one"}).status == 200

    assert tallies(realm) == {"requests": 3, "messages": 1}


def test_a_refusal_counts_by_its_code(realm: Realm, alice: Agent, mallory: Agent) -> None:
    assert alice.send(mallory).status == 404
    assert alice.get("messages/none").status == 404
    assert alice.get("sessions?x=1").status == 400

    assert tallies(realm) == {
        "requests": 3,
        "refused.recipient_not_found": 1,
        "refused.message_not_found": 1,
        "refused.invalid_request": 1,
    }


def test_what_the_key_was_refused_for_counts(realm: Realm) -> None:
    reader = Agent(new_key(realm, scopes=["read"], reads_per_minute=1)[1])
    assert [reader.get("sessions").status, reader.get("sessions").status] == [200, 429]
    assert reader.post("sessions", {"name": "x", "kind": "observer"}).code == "scope_missing"
    set_realm(realm, status=Realm.Status.SUSPENDED)
    assert Agent(new_key(realm)[1]).get("sessions").code == "realm_suspended"

    assert tallies(realm) == {
        "requests": 4,
        "refused.rate_limited": 1,
        "refused.scope_missing": 1,
        "refused.realm_suspended": 1,
    }


def test_a_key_that_has_ended_shows_in_its_realm(realm: Realm, alice: Agent) -> None:
    keys.set_status(key=ApiKey.objects.get(), status=ApiKey.Status.REVOKED, by=OPERATOR)
    forget_credentials()

    assert alice.get("sessions").code == "key_revoked"
    assert tallies(realm) == {"refused.key_revoked": 1}


def test_realms_are_counted_apart(realm: Realm, alice: Agent, mallory: Agent) -> None:
    mallory.send(mallory)

    assert tallies(realm) == {}


def test_a_credential_of_no_realm_counts_nowhere(realm: Realm) -> None:
    assert Agent("x").get("sessions").status == 401

    assert tallies(realm) == {}
