"""GET /messages/:id."""

from tests.cases import cases
from tests.cast import Agent
from tests.rows import open_stream, unread_of

ULID = "01HX9J2N3PQRSTVWXYZ0123456"


def test_the_sender_sees_how_far_it_came_with_each(alice: Agent, bob: Agent, charlie: Agent) -> None:
    open_stream(charlie)
    sent = alice.send([bob, charlie, alice], "event").json["message_id"]
    assert len(alice.inbox()) == 1

    answer = alice.get(f"messages/{sent.lower()}")

    assert answer.status == 200
    to_bob, to_charlie, to_alice = answer.json.pop("recipients")
    assert len(answer.json.pop("sent_at")) == 27
    assert answer.json == {"id": sent, "from": alice.id, "category": "event"}
    assert to_bob == {"to": bob.id, "status": "queued", "delivered_at": None, "read_at": None}
    assert (to_charlie["to"], to_charlie["status"], to_charlie["read_at"]) == (charlie.id, "delivered", None)
    assert to_charlie["delivered_at"].endswith("Z")
    assert (to_alice["to"], to_alice["status"]) == (alice.id, "read")
    assert to_alice["read_at"] == to_alice["delivered_at"]


def test_reading_keeps_when_it_was_delivered(alice: Agent, bob: Agent) -> None:
    open_stream(bob)
    sent = alice.send(bob).json["message_id"]
    delivered = alice.get(f"messages/{sent}").json["recipients"][0]["delivered_at"]

    bob.inbox()

    after = alice.get(f"messages/{sent}").json["recipients"][0]
    assert (after["status"], after["delivered_at"]) == ("read", delivered)
    assert after["read_at"] > delivered


def test_asking_marks_nothing(alice: Agent, bob: Agent) -> None:
    sent = alice.send([alice, bob]).json["message_id"]

    alice.get(f"messages/{sent}")

    assert unread_of(alice) == unread_of(bob) == (1, 1)


def test_only_the_sender_may_ask(alice: Agent, bob: Agent, charlie: Agent, mallory: Agent) -> None:
    sent = alice.send(bob).json["message_id"]
    assert alice.get(f"messages/{sent}").status == 200

    for other in (bob, charlie, mallory):
        answer = other.get(f"messages/{sent}")
        assert (answer.status, answer.code) == (404, "message_not_found")


@cases("text", ["x", "msg_01HX9J2N3PQRSTVWXYZ0123456", "sess_01HX9J2N3PQRSTVWXYZ0123456", "%00"])
def test_what_does_not_exist_is_not_found(alice: Agent, text: str) -> None:
    answer = alice.get(f"messages/{text}")

    assert (answer.status, answer.code) == (404, "message_not_found")
