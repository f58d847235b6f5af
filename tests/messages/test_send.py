"""POST /messages."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from hub.messages.models import Delivery, Inbox, Message
from hub.sessions.models import Session
from realms.models import Realm
from tests.cases import cases
from tests.cast import Agent, new_agent
from tests.rows import open_stream, seen_ago, set_realm, status_of, unread_of

UNKNOWN = "sess_01HX9J2N3PQRSTVWXYZ0123456"
# The reference's own payload.
PAYLOAD = {"task": "summarize", "input": {"file": "README.md"}}
PAYLOAD_BYTES = 256 * 1024


def envelope(sender: Agent, to: Agent, /, **members: Any) -> dict[str, Any]:
    """Return a good envelope with every optional member that a `delegate` or `sig` does not need."""
    return {
        "aisp": "0.1",
        "from": sender.id,
        "to": to.id,
        "realm": "default",
        "category": "message",
        "payload": PAYLOAD,
        **members,
    }


def test_it_answers_as_the_reference_shows(alice: Agent, bob: Agent) -> None:
    bob.grant(alice, "delegate.receive")

    answer = alice.post("messages", envelope(alice, bob, category="delegate"))

    assert answer.status == 200
    assert answer.json == {"message_id": answer.json["message_id"], "status": "queued", "delivered": False}
    received = bob.inbox()
    assert received[0].pop("sent_at").endswith("Z")
    assert received == [
        {
            "id": answer.json["message_id"],
            "from": alice.id,
            "category": "delegate",
            "payload": PAYLOAD,
            "capability": "delegate.receive",
        }
    ]


@cases("category", ["message", "result", "event", "error", "ping", "pong"])
def test_a_session_may_send_every_other_category_without_a_grant(
    alice: Agent, bob: Agent, category: str
) -> None:
    assert alice.send(bob, category).status == 200
    assert bob.inbox()[0]["category"] == category


def test_all_recipients_get_it_once(alice: Agent, bob: Agent, charlie: Agent) -> None:
    sent = alice.send([bob, charlie, alice]).json["message_id"]

    for recipient in (alice, bob, charlie):
        assert [message["id"] for message in recipient.inbox()] == [sent]
        assert recipient.inbox() == []


def test_a_list_may_have_one_recipient(alice: Agent, bob: Agent) -> None:
    assert alice.send([bob]).status == 200
    assert len(bob.inbox()) == 1


def test_a_session_may_write_to_itself(alice: Agent) -> None:
    sent = alice.send(alice)

    assert [(m["id"], m["from"]) for m in alice.inbox()] == [(sent.json["message_id"], alice.id)]


def test_a_message_to_an_inactive_session_is_queued(alice: Agent, bob: Agent) -> None:
    seen_ago(bob, status=Session.Status.INACTIVE)

    assert alice.send(bob).json["status"] == "queued"

    assert status_of(bob) == "inactive"
    assert len(bob.inbox()) == 1


def test_the_key_of_another_session_of_the_realm_may_write(alice: Agent, charlie: Agent) -> None:
    assert charlie.send(alice).status == 200


def test_numbers_count_up_without_a_gap(alice: Agent, bob: Agent, charlie: Agent) -> None:
    alice.send(bob)
    assert alice.send([bob, alice], to=[bob.id, UNKNOWN]).status == 404
    alice.send([charlie, bob])

    assert list(Delivery.objects.filter(recipient_id=bob.id).values_list("seq", flat=True)) == [1, 2]
    assert (Inbox.objects.get(pk=bob.id).seq, unread_of(bob)) == (2, (2, 2))
    assert (Inbox.objects.get(pk=charlie.id).seq, unread_of(charlie)) == (1, (1, 1))


@cases(("beats", "delivered"), [((None, None), False), ((0, None), False), ((0, 0), True), ((0, 60), False)])
def test_delivered_means_a_living_stream_of_every_recipient(
    alice: Agent, bob: Agent, charlie: Agent, beats: tuple[int | None, ...], delivered: bool
) -> None:
    for agent, beat_ago in zip((bob, charlie), beats, strict=True):
        if beat_ago is not None:
            open_stream(agent, beat_ago_seconds=beat_ago)

    answer = alice.send([bob, charlie]).json

    assert (answer["delivered"], answer["status"]) == (delivered, "delivered" if delivered else "queued")
    status = alice.get(f"messages/{answer['message_id']}").json["recipients"]
    expected = ["delivered" if beat_ago == 0 else "queued" for beat_ago in beats]
    assert [recipient["status"] for recipient in status] == expected


def test_ids_are_taken_in_any_case_and_returned_in_one(alice: Agent, bob: Agent) -> None:
    first = alice.send(bob).json["message_id"]

    members = {"from": alice.id.lower(), "to": bob.id.upper(), "reply_to": first.lower()}
    assert alice.post("messages", envelope(alice, bob, **members)).status == 200

    received = bob.inbox()[1]
    assert (received["from"], received["reply_to"]) == (alice.id, first)


def test_reply_to_may_name_a_message_that_is_gone(alice: Agent, bob: Agent) -> None:
    assert alice.send(bob, reply_to="msg_01HX9J2N3PQRSTVWXYZ0123456").status == 200
    assert bob.inbox()[0]["reply_to"] == "msg_01HX9J2N3PQRSTVWXYZ0123456"


@pytest.mark.parametrize("offset", ["Z", "+02:00", "-11:30"])
def test_an_expiry_may_have_any_offset(alice: Agent, bob: Agent, offset: str) -> None:
    assert alice.send(bob, expires_at=f"2999-01-01T12:00:00.5{offset}").status == 200

    expected = {"Z": "12:00", "+02:00": "10:00", "-11:30": "23:30"}[offset]
    assert bob.inbox()[0]["expires_at"] == f"2999-01-01T{expected}:00.500000Z"


def test_optional_members_may_be_null(alice: Agent, bob: Agent) -> None:
    optional = dict.fromkeys(["realm", "reply_to", "expires_at", "capability", "sig"])

    assert alice.post("messages", {**envelope(alice, bob), **optional}).status == 200


@cases(
    ("member", "value", "code", "pointer"),
    [
        ("aisp", "0.2", "unsupported_version", "/aisp"),
        ("aisp", 0.1, "invalid_request", "/aisp"),
        ("from", "alice", "invalid_request", "/from"),
        ("from", "hub", "invalid_request", "/from"),
        ("from", None, "invalid_request", "/from"),
        ("to", "bob", "invalid_request", "/to"),
        ("to", "hub", "invalid_request", "/to"),
        ("to", ["hub"], "invalid_request", "/to/0"),
        ("to", [], "invalid_request", "/to"),
        ("to", None, "invalid_request", "/to"),
        ("to", f"{UNKNOWN}\n", "invalid_request", "/to"),
        ("to", ["x"], "invalid_request", "/to/0"),
        ("to", [UNKNOWN, UNKNOWN], "invalid_request", "/to/1"),
        ("to", [UNKNOWN, UNKNOWN.lower()], "invalid_request", "/to/1"),
        ("category", "grant", "invalid_category", "/category"),
        ("category", "Message", "invalid_category", "/category"),
        ("category", "", "invalid_category", "/category"),
        ("category", 1, "invalid_request", "/category"),
        ("payload", [], "invalid_request", "/payload"),
        ("payload", "text", "invalid_request", "/payload"),
        ("payload", None, "invalid_request", "/payload"),
        ("reply_to", UNKNOWN, "invalid_request", "/reply_to"),
        ("reply_to", "", "invalid_request", "/reply_to"),
        ("expires_at", "2026-04-06T09:00:00Z", "invalid_request", "/expires_at"),
        ("expires_at", "2999-04-06T09:00:00", "invalid_request", "/expires_at"),
        ("expires_at", "2999-04-06", "invalid_request", "/expires_at"),
        ("expires_at", "9999-12-31T23:59:59-01:00", "invalid_request", "/expires_at"),
        ("expires_at", 32472144000, "invalid_request", "/expires_at"),
        ("capability", "delegate.receive", "invalid_request", "/capability"),
        ("capability", "Delegate", "invalid_request", "/capability"),
        ("sig", "", "invalid_request", "/sig"),
        ("subject", "hello", "invalid_request", "/subject"),
        ("message_id", "msg_01HX9J2N3PQRSTVWXYZ0123456", "invalid_request", "/message_id"),
    ],
)
def test_bad_input_is_refused_where_it_is(
    alice: Agent, bob: Agent, member: str, value: Any, code: str, pointer: str
) -> None:
    answer = alice.post("messages", envelope(alice, bob, **{member: value}))

    assert (answer.status, answer.code) == (400, code)
    assert answer.json["errors"][0]["pointer"] == pointer
    assert not Message.objects.exists()
    assert unread_of(bob) == (0, 0)


@cases("missing", ["aisp", "from", "to", "category", "payload"])
def test_a_missing_member_is_named(alice: Agent, bob: Agent, missing: str) -> None:
    body = envelope(alice, bob)
    del body[missing]

    answer = alice.post("messages", body)

    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, f"/{missing}")


@cases("body", [[], "text", 1, None, [{}]])
def test_a_body_that_is_no_object_is_refused(alice: Agent, body: Any) -> None:
    answer = alice.call("POST", "messages", content=str(body).replace("None", "null").encode())

    assert answer.status == 400


def test_the_refusals_say_what_is_taken(alice: Agent, bob: Agent) -> None:
    assert '"0.1"' in alice.send(bob, aisp="2").json["detail"]
    assert "message, delegate, result, event, error, ping, pong" in alice.send(bob, "chat").json["detail"]


def test_a_realm_that_is_not_the_callers_is_refused(alice: Agent, bob: Agent) -> None:
    answer = alice.send(bob, realm="other")

    assert (answer.status, answer.code) == (403, "realm_access_denied")
    assert not Message.objects.exists()


def test_a_hundred_recipients_and_no_more(key: str, alice: Agent) -> None:
    crowd = [new_agent(key, f"agent-{i}") for i in range(101)]

    assert alice.send(crowd).status == 400
    assert not Message.objects.exists()
    assert alice.send(crowd[:100]).status == 200
    assert Delivery.objects.count() == 100


@pytest.mark.parametrize("kind", ["unknown", "other realm", "deregistered"])
def test_one_unknown_recipient_and_nobody_gets_it(
    alice: Agent, bob: Agent, charlie: Agent, mallory: Agent, kind: str
) -> None:
    charlie.delete(f"sessions/{charlie.id}")
    unknown = {"unknown": UNKNOWN, "other realm": mallory.id, "deregistered": charlie.id}[kind]

    answer = alice.send(bob, to=[alice.id, unknown, bob.id])

    assert (answer.status, answer.code) == (404, "recipient_not_found")
    assert answer.json["recipients"] == [unknown]
    assert answer.json["errors"] == [{"pointer": "/to/1", "detail": unknown}]
    assert not Message.objects.exists()
    assert unread_of(alice) == unread_of(bob) == (0, 0)
    assert alice.send(bob, to=unknown).json["errors"][0]["pointer"] == "/to"


def test_one_full_inbox_and_nobody_gets_it(realm: Realm, alice: Agent, bob: Agent, charlie: Agent) -> None:
    set_realm(realm, inbox_limit=2)
    for _ in range(2):
        assert alice.send(bob).status == 200

    answer = alice.send([charlie, bob])

    assert (answer.status, answer.code) == (429, "inbox_full")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json["recipients"] == [bob.id]
    assert (unread_of(bob), unread_of(charlie)) == ((2, 2), (0, 0))
    bob.inbox("?limit=1")
    assert alice.send([charlie, bob]).status == 200


def test_a_payload_of_256_kib_and_not_a_byte_more(alice: Agent, bob: Agent) -> None:
    empty = len(b'{"text":""}')
    largest = {"text": "x" * (PAYLOAD_BYTES - empty)}

    answer = alice.send(bob, payload={"text": largest["text"] + "x"})

    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/payload")
    assert not Message.objects.exists()
    assert alice.send(bob, payload=largest).status == 200
    assert bob.inbox()[0]["payload"] == largest


def test_the_limit_counts_bytes_and_no_white_space(alice: Agent, bob: Agent) -> None:
    emoji = {"text": "😀" * (PAYLOAD_BYTES // 4)}
    assert alice.send(bob, payload=emoji).status == 400

    emoji["text"] = emoji["text"][:-3]
    padded = b'{"aisp":"0.1","from":"%s","to":"%s","category":"event","payload":%s}' % (
        alice.id.encode(),
        bob.id.encode(),
        ('{"text":' + " " * 100_000 + f'"{emoji["text"]}"' + "}").encode(),
    )
    assert alice.call("POST", "messages", content=padded).status == 200
    assert bob.inbox()[0]["payload"] == emoji


def test_an_expiry_in_the_next_moment_is_in_the_future(alice: Agent, bob: Agent) -> None:
    soon = (timezone.now() + timedelta(seconds=30)).isoformat()

    assert alice.send(bob, expires_at=soon).status == 200


def test_an_expiry_at_the_end_of_time_is_kept(alice: Agent, bob: Agent) -> None:
    assert alice.send(bob, expires_at="9999-12-31T23:59:59.999999Z").status == 200
    assert bob.inbox()[0]["expires_at"] == "9999-12-31T23:59:59.999999Z"
