"""GET /sessions/:id."""

from hub.sessions.models import Session
from tests.cases import cases
from tests.cast import Agent, new_agent
from tests.rows import open_stream, seen_ago


def test_it_answers_as_the_reference_shows(caller: Agent, bob: Agent) -> None:
    answer = caller.get(f"sessions/{bob.id}")

    assert answer.status == 200
    times = {name: answer.json.pop(name) for name in ("created_at", "last_seen")}
    assert answer.json == {
        "id": bob.id,
        "name": "bob",
        "kind": "executor",
        "realm": "default",
        "status": "active",
        "capabilities": ["delegate.receive", "memory.read"],
        "public_key": None,
        "manifest": {},
        "connected": False,
    }
    assert all(len(time) == 27 and time.endswith("Z") for time in times.values())


def test_any_key_of_the_realm_may_ask(charlie: Agent, alice: Agent) -> None:
    assert charlie.get(f"sessions/{alice.id}").json["name"] == "alice"


def test_an_id_may_be_in_any_case(caller: Agent, alice: Agent) -> None:
    assert caller.get(f"sessions/{alice.id.lower()}").json["id"] == alice.id
    assert caller.get(f"sessions/{alice.id.upper()}").json["id"] == alice.id


def test_an_inactive_session_is_found(caller: Agent, alice: Agent) -> None:
    seen_ago(alice, status=Session.Status.INACTIVE)

    assert caller.get(f"sessions/{alice.id}").json["status"] == "inactive"


def test_connected_means_a_stream_of_a_living_process(caller: Agent, alice: Agent, bob: Agent) -> None:
    open_stream(alice)
    open_stream(bob, beat_ago_seconds=60)

    assert caller.get(f"sessions/{alice.id}").json["connected"] is True
    assert caller.get(f"sessions/{bob.id}").json["connected"] is False


def test_what_does_not_exist_and_what_is_not_seen_answer_alike(
    key: str, caller: Agent, mallory: Agent
) -> None:
    gone = new_agent(key, "gone")
    caller.delete(f"sessions/{gone.id}")
    answers = []

    for where in (mallory.id, gone.id, "sess_01HX9J2N3PQRSTVWXYZ0123456"):
        answer = caller.get(f"sessions/{where}")
        assert (answer.status, answer.code) == (404, "session_not_found")
        del answer.json["request_id"]
        answers.append(answer.json)

    assert answers[0] == answers[1] == answers[2]


@cases("text", ["x", "sess_", "msg_01HX9J2N3PQRSTVWXYZ0123456", "a%00b", "%F0"])
def test_a_malformed_id_is_not_found(caller: Agent, text: str) -> None:
    answer = caller.get(f"sessions/{text}")

    assert (answer.status, answer.code) == (404, "session_not_found")


@cases("suffix", ["%0A", "%20", "0", "!"])
def test_an_id_with_something_behind_it_is_not_found(caller: Agent, alice: Agent, suffix: str) -> None:
    assert caller.get(f"sessions/{alice.id}").status == 200

    assert caller.get(f"sessions/{alice.id}{suffix}").status == 404


def test_it_takes_no_parameters(caller: Agent, alice: Agent) -> None:
    assert caller.get(f"sessions/{alice.id}?verbose=1").status == 400
