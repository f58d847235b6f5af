"""DELETE /sessions/:id."""

from functools import partial

import pytest

from hub.grants.models import Grant
from hub.memory.models import MemoryEntry
from hub.messages.models import Delivery, Inbox
from hub.sessions.models import Session
from tests.at_once import at_once
from tests.cast import Agent, new_agent
from tests.rows import seen_ago, status_of


def test_it_answers_as_the_reference_shows(caller: Agent, alice: Agent) -> None:
    answer = caller.delete(f"sessions/{alice.id}")

    assert (answer.status, answer.json) == (200, {"message": "Session deregistered."})


def test_it_is_gone_for_everybody(caller: Agent, alice: Agent, bob: Agent) -> None:
    assert caller.get(f"sessions/{alice.id}").status == 200

    assert alice.delete(f"sessions/{alice.id.lower()}").status == 200

    assert caller.get(f"sessions/{alice.id}").status == 404
    assert caller.delete(f"sessions/{alice.id}").status == 404
    assert [session["id"] for session in caller.get("sessions?status=all").json["sessions"]] == [bob.id]
    assert bob.send(alice).code == "recipient_not_found"
    assert alice.get("messages").code == "session_not_owned"
    assert alice.send(bob).code == "session_not_owned"


@pytest.mark.django_db(transaction=True)
def test_of_many_that_deregister_it_one_does(caller: Agent, alice: Agent) -> None:
    answers = at_once(*[partial(caller.delete, f"sessions/{alice.id}")] * 8)

    assert sorted(answer.status for answer in answers) == [200] + [404] * 7


def test_an_inactive_session_can_be_deregistered(caller: Agent, alice: Agent) -> None:
    seen_ago(alice, status=Session.Status.INACTIVE)

    assert caller.delete(f"sessions/{alice.id}").status == 200
    assert status_of(alice) == "deregistered"


def test_unread_messages_are_discarded_and_read_ones_stay(alice: Agent, bob: Agent) -> None:
    read = alice.send(bob).json["message_id"]
    assert [message["id"] for message in bob.inbox()] == [read]
    unread = alice.send(bob).json["message_id"]

    bob.delete(f"sessions/{bob.id}")

    assert list(Delivery.objects.values_list("message_id", flat=True)) == [read]
    assert not Inbox.objects.filter(pk=bob.id).exists()
    assert alice.get(f"messages/{read}").json["recipients"][0]["status"] == "read"
    assert alice.get(f"messages/{unread}").json["recipients"][0]["status"] == "discarded"


def test_what_it_sent_still_arrives(alice: Agent, bob: Agent) -> None:
    sent = alice.send(bob).json["message_id"]

    alice.delete(f"sessions/{alice.id}")

    assert [(message["id"], message["from"]) for message in bob.inbox()] == [(sent, alice.id)]


def test_grants_in_both_directions_are_revoked_and_the_others_told(
    key: str, alice: Agent, bob: Agent, charlie: Agent
) -> None:
    given = alice.grant(bob, "memory.read", "*")
    taken = charlie.grant(alice, "memory.read", "*")
    pending = alice.post("grants", {"to": bob.id, "capability": "memory.read", "namespace": "p"}).json
    unrelated = charlie.grant(bob, "memory.read", "*")
    bob.inbox()

    assert alice.delete(f"sessions/{alice.id}").status == 200

    statuses = dict(Grant.objects.values_list("pk", "status"))
    assert statuses.pop(unrelated) == "active"
    assert statuses == {given: "revoked", taken: "revoked", pending["grant_id"]: "revoked"}
    told_bob, told_charlie = bob.inbox(), charlie.inbox()
    assert all(message["category"] == "grant" for message in told_bob + told_charlie)
    assert all(message["from"] == alice.id for message in told_bob + told_charlie)
    assert all(message["payload"]["event"] == "revoked" for message in told_bob + told_charlie)
    assert {message["payload"]["grant_id"] for message in told_bob} == {given, pending["grant_id"]}
    assert [message["payload"]["grant_id"] for message in told_charlie] == [taken]


def test_a_name_is_free_again(key: str, alice: Agent) -> None:
    alice.delete(f"sessions/{alice.id}")

    assert new_agent(key, "ALICE").id != alice.id


def test_memory_stays(alice: Agent, bob: Agent) -> None:
    assert alice.post("memory", {"entries": [{"key": "project.name", "value": 1}]}).status == 200

    alice.delete(f"sessions/{alice.id}")

    entry = MemoryEntry.objects.get()
    assert (entry.key, entry.namespace.owner_id) == ("project.name", alice.id)


def test_another_key_may_not(charlie: Agent, alice: Agent, bob: Agent) -> None:
    bob.send(alice)

    answer = charlie.delete(f"sessions/{alice.id}")

    assert (answer.status, answer.code) == (403, "session_not_owned")
    assert status_of(alice) == "active"
    assert len(alice.inbox()) == 1


def test_another_realms_session_is_not_found(mallory: Agent, alice: Agent) -> None:
    answer = mallory.delete(f"sessions/{alice.id}")
    unknown = mallory.delete("sessions/sess_01HX9J2N3PQRSTVWXYZ0123456")

    assert (answer.status, answer.code) == (unknown.status, unknown.code) == (404, "session_not_found")
    assert answer.json["detail"] == unknown.json["detail"]
    assert status_of(alice) == "active"


def test_a_malformed_id_is_not_found(caller: Agent) -> None:
    assert caller.delete("sessions/alice").code == "session_not_found"
