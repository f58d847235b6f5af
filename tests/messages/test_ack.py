"""POST /messages/ack."""

from typing import Any

import pytest

from tests.cases import cases
from tests.cast import Agent
from tests.rows import expire, unread_of

UNKNOWN = "msg_01HX9J2N3PQRSTVWXYZ0123456"


@pytest.fixture
def sent(alice: Agent, bob: Agent) -> list[str]:
    """Four messages that lie in bob's inbox."""
    return [str(alice.send(bob).json["message_id"]) for _ in range(4)]


def test_it_marks_what_was_peeked(bob: Agent, sent: list[str]) -> None:
    peeked = [message["id"] for message in bob.inbox("?peek=true&limit=2")]

    answer = bob.post("messages/ack", {"ids": peeked})

    assert (answer.status, answer.json) == (200, {"acknowledged": 2})
    assert unread_of(bob) == (2, 2)
    assert [message["id"] for message in bob.inbox()] == sent[2:]


def test_up_to_marks_everything_before_too(bob: Agent, sent: list[str]) -> None:
    assert bob.post("messages/ack", {"up_to": sent[2].lower()}).json == {"acknowledged": 3}

    assert unread_of(bob) == (1, 1)
    assert [message["id"] for message in bob.inbox()] == sent[3:]


def test_what_was_read_is_not_counted_again(bob: Agent, sent: list[str]) -> None:
    bob.inbox("?limit=2")

    assert bob.post("messages/ack", {"ids": [*sent[:3], sent[0]]}).json == {"acknowledged": 1}
    assert bob.post("messages/ack", {"up_to": sent[2]}).json == {"acknowledged": 0}
    assert unread_of(bob) == (1, 1)


def test_it_tells_the_sender(alice: Agent, bob: Agent, sent: list[str]) -> None:
    bob.post("messages/ack", {"ids": sent[:1]})

    assert alice.get(f"messages/{sent[0]}").json["recipients"][0]["status"] == "read"
    assert alice.get(f"messages/{sent[1]}").json["recipients"][0]["status"] == "queued"


def test_an_expired_message_can_be_acknowledged(bob: Agent, sent: list[str]) -> None:
    expire(sent[0])

    assert bob.post("messages/ack", {"ids": sent[:2]}).json == {"acknowledged": 2}
    assert unread_of(bob) == (2, 2)


def test_one_unknown_message_and_nothing_is_marked(
    alice: Agent, bob: Agent, charlie: Agent, sent: list[str]
) -> None:
    others = alice.send(charlie).json["message_id"]

    for unknown in (UNKNOWN, others):
        answer = bob.post("messages/ack", {"ids": [sent[0], unknown]})
        assert (answer.status, answer.code) == (404, "message_not_found")
        assert answer.json["errors"] == [{"pointer": "/ids/1", "detail": unknown}]
        assert bob.post("messages/ack", {"up_to": unknown}).json["errors"][0]["pointer"] == "/up_to"

    assert (unread_of(bob), unread_of(charlie)) == ((4, 4), (1, 1))
    assert bob.post("messages/ack", {"ids": [sent[0]]}).status == 200


@cases(
    "body",
    [
        {},
        {"ids": [UNKNOWN], "up_to": UNKNOWN},
        {"ids": []},
        {"ids": [UNKNOWN] * 501},
        {"ids": UNKNOWN},
        {"ids": ["x"]},
        {"ids": None, "up_to": None},
        {"up_to": "x"},
        {"up_to": 1},
        {"up_to": UNKNOWN, "all": True},
        [],
    ],
)
def test_bad_input_is_refused(bob: Agent, sent: list[str], body: Any) -> None:
    answer = bob.post("messages/ack", body)

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert unread_of(bob) == (4, 4)


def test_it_needs_an_acting_session(caller: Agent, sent: list[str]) -> None:
    assert caller.post("messages/ack", {"ids": sent}).code == "session_required"
