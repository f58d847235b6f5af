"""Which session a request acts as."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from hub.messages.models import Message
from hub.sessions.models import Session
from tests.cases import cases
from tests.cast import Agent
from tests.rows import seen_ago, status_of

UNKNOWN = "sess_01HX9J2N3PQRSTVWXYZ0123456"


def last_seen(agent: Agent) -> str:
    return str(agent.get(f"sessions/{agent.id}").json["last_seen"])


def test_the_header_names_one_of_the_keys_sessions(caller: Agent, alice: Agent, bob: Agent) -> None:
    alice.send(bob)

    for name in (bob.id, bob.id.lower()):
        answer = caller.get("messages?peek=true", headers={"X-AISP-Session": name})
        assert [message["from"] for message in answer.json["messages"]] == [alice.id]
    assert caller.get("messages", headers={"X-AISP-Session": alice.id}).json["messages"] == []


def test_without_the_header_the_only_session_acts(caller: Agent, alice: Agent, charlie: Agent) -> None:
    charlie.send(alice)

    assert len(caller.inbox()) == 1


def test_a_deregistered_session_does_not_count(caller: Agent, alice: Agent, bob: Agent) -> None:
    assert caller.get("messages").code == "session_required"
    bob.delete(f"sessions/{bob.id}")

    assert caller.get("messages").status == 200


def test_without_a_session_the_answer_says_how_to_get_one(caller: Agent, charlie: Agent) -> None:
    answer = caller.get("messages")

    assert (answer.status, answer.code) == (400, "session_required")
    assert "POST /api/v1/sessions" in answer.json["detail"]


def test_with_several_the_answer_says_how_to_name_one(caller: Agent, alice: Agent, bob: Agent) -> None:
    answer = caller.get("messages")

    assert (answer.status, answer.code) == (400, "session_required")
    assert "X-AISP-Session" in answer.json["detail"]


def test_sessions_of_others_and_of_nobody_answer_alike(
    caller: Agent, alice: Agent, bob: Agent, charlie: Agent, mallory: Agent
) -> None:
    bob.delete(f"sessions/{bob.id}")
    assert caller.get("messages", headers={"X-AISP-Session": alice.id}).status == 200
    bodies = []

    for name in (charlie.id, mallory.id, bob.id, UNKNOWN):
        answer = caller.get("messages", headers={"X-AISP-Session": name})
        assert (answer.status, answer.code) == (403, "session_not_owned")
        del answer.json["request_id"]
        bodies.append(answer.json)

    assert all(body == bodies[0] for body in bodies)


@cases("name", ["alice", "sess_", "msg_01HX9J2N3PQRSTVWXYZ0123456", f"{UNKNOWN}0", "ä"])
def test_a_malformed_header_is_refused(caller: Agent, alice: Agent, name: str) -> None:
    answer = caller.get("messages", headers={"X-AISP-Session": name})

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/X-AISP-Session"


@pytest.mark.parametrize("sender", ["charlie", "mallory", "unknown"])
def test_an_envelope_is_only_from_an_own_session(
    alice: Agent, bob: Agent, charlie: Agent, mallory: Agent, sender: str
) -> None:
    other = {"charlie": charlie.id, "mallory": mallory.id, "unknown": UNKNOWN}[sender]
    assert alice.send(bob).status == 200

    answer = alice.send(bob, **{"from": other})

    assert (answer.status, answer.code) == (403, "session_not_owned")
    assert Message.objects.count() == 1


def test_an_envelopes_from_names_the_session_without_a_header(
    caller: Agent, alice: Agent, bob: Agent
) -> None:
    envelope = {"aisp": "0.1", "from": alice.id, "to": bob.id, "category": "event", "payload": {}}

    assert caller.post("messages", envelope).status == 200
    assert bob.inbox()[0]["from"] == alice.id


@pytest.mark.parametrize("act", ["poll", "send", "read memory", "list grants"])
def test_an_act_makes_an_inactive_session_active(
    alice: Agent,
    bob: Agent,
    act: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    seen_ago(alice, status=Session.Status.INACTIVE, hours=2)
    before = last_seen(bob), last_seen(alice)

    with django_capture_on_commit_callbacks(execute=True):
        if act == "send":
            assert alice.send(bob).status == 200
        else:
            path = {"poll": "messages", "read memory": "memory", "list grants": "grants"}[act]
            assert alice.get(path).status == 200

    assert status_of(alice) == "active"
    assert last_seen(alice) > before[1]
    assert last_seen(bob) == before[0]


def test_being_written_to_is_no_act(alice: Agent, bob: Agent) -> None:
    seen_ago(alice, status=Session.Status.INACTIVE)

    assert bob.send(alice).status == 200

    assert status_of(alice) == "inactive"


def test_a_refused_act_of_another_key_is_no_act(charlie: Agent, alice: Agent) -> None:
    seen_ago(alice, status=Session.Status.INACTIVE)

    assert charlie.get("messages", headers={"X-AISP-Session": alice.id}).status == 403

    assert status_of(alice) == "inactive"


def test_last_seen_moves_in_steps(
    alice: Agent, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    seen_ago(alice, seconds=5)
    before = last_seen(alice)
    with django_capture_on_commit_callbacks(execute=True):
        alice.get("messages")
    assert last_seen(alice) == before

    seen_ago(alice, seconds=11)
    with django_capture_on_commit_callbacks(execute=True):
        alice.get("messages")
    assert last_seen(alice) > before


@pytest.mark.parametrize("named", [True, False])
def test_a_read_of_a_session_that_was_just_seen_writes_nothing(alice: Agent, named: bool) -> None:
    alice.get("grants")  # the key's own use is noted
    headers = {} if named else {"X-AISP-Session": ""}

    with CaptureQueriesContext(connection) as queries:
        assert alice.get("grants", headers=headers).status == 200

    assert queries.captured_queries
    assert {query["sql"].split()[0] for query in queries.captured_queries} == {"SELECT"}
