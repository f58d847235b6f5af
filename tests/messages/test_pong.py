"""POST /messages with the category `pong`: it completes a waiting ping, or is routed."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from hub.messages import pings
from hub.messages.models import Message, Ping
from realms.ids import MESSAGE, new_id
from tests.cases import cases
from tests.cast import Agent, Answer, caller_of
from tests.rows import set_realm, unread_of


def ping_of(asker: Agent, target: Agent, nonce: str = "abc123") -> Ping:
    """Begin a ping; whoever has one session asks as that session, others as the hub."""
    caller = caller_of(str(asker.key))
    return pings.start_ping(caller=caller, target_id=target.id, nonce=nonce, ping_id=new_id(MESSAGE))


def pong(sender: Agent, to: str, nonce: Any = "abc123", **members: Any) -> Answer:
    body = {"aisp": "0.1", "from": sender.id, "to": to, "category": "pong", "payload": {"nonce": nonce}}
    return sender.post("messages", {**body, **members})


def late(ping: Ping) -> None:
    Ping.objects.filter(pk=ping.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def target(alice: Agent, bob: Agent) -> Agent:
    """Alice, whose key has two sessions: a ping with it comes from the hub."""
    return alice


def test_the_target_gets_a_ping_from_the_hub(alice: Agent, target: Agent) -> None:
    ping = ping_of(alice, target)

    received = target.inbox()[0]

    assert (received["id"], received["from"], received["category"]) == (ping.pk, "hub", "ping")
    assert received["payload"] == {"nonce": "abc123"}
    assert "expires_at" in received


def test_the_target_gets_a_ping_from_the_session_that_asks(charlie: Agent, target: Agent) -> None:
    ping_of(charlie, target)

    assert target.inbox()[0]["from"] == charlie.id


def test_a_pong_to_the_hub_completes_it(alice: Agent, target: Agent) -> None:
    ping = ping_of(alice, target)
    assert pings.answered([ping.pk]) == []
    target.inbox()

    answer = pong(target, "hub")

    assert (answer.status, answer.json["status"], answer.json["delivered"]) == (200, "delivered", True)
    assert pings.answered([ping.pk]) == [ping]
    assert Message.objects.filter(category="pong").count() == 0


def test_a_pong_to_the_asker_completes_it_and_is_not_queued(charlie: Agent, target: Agent) -> None:
    ping = ping_of(charlie, target)

    for to in ([charlie.id.lower()],):
        assert pong(target, to).status == 200  # type: ignore[arg-type]

    assert pings.answered([ping.pk]) == [ping]
    assert unread_of(charlie) == (0, 0)


def test_a_second_pong_comes_too_late(alice: Agent, target: Agent) -> None:
    ping_of(alice, target)
    assert pong(target, "hub").status == 200

    answer = pong(target, "hub")

    assert (answer.status, answer.code) == (404, "ping_not_waiting")


@cases("wrong", ["nonce", "no nonce", "nonce of another type", "sender", "late", "long"])
def test_a_pong_to_the_hub_that_fits_no_ping_is_refused(
    alice: Agent, bob: Agent, target: Agent, wrong: str
) -> None:
    ping = ping_of(alice, target)
    sender, payload = (bob if wrong == "sender" else target), {"nonce": "abc123"}
    if wrong == "late":
        late(ping)
    others: dict[str, dict[str, Any]] = {
        "nonce": {"nonce": "abc124"},
        "no nonce": {},
        "nonce of another type": {"nonce": ["abc123"]},
        "long": {"nonce": "abc123" * 100},
    }

    answer = pong(sender, "hub", payload=others.get(wrong, payload))

    assert (answer.status, answer.code) == (404, "ping_not_waiting")
    assert pings.answered([ping.pk]) == []
    if wrong != "late":
        assert pong(target, "hub").status == 200


@cases("wrong", ["nonce", "sender", "late", "recipient"])
def test_a_pong_to_a_session_that_fits_no_ping_is_routed(
    charlie: Agent, bob: Agent, target: Agent, wrong: str
) -> None:
    ping = ping_of(charlie, target)
    if wrong == "late":
        late(ping)
    sender = bob if wrong == "sender" else target
    recipient = bob if wrong == "recipient" else charlie

    assert pong(sender, recipient.id, "abc124" if wrong == "nonce" else "abc123").status == 200

    assert [message["category"] for message in recipient.inbox("?category=pong")] == ["pong"]
    assert pings.answered([ping.pk]) == []


def test_a_ping_from_a_session_is_not_answered_to_the_hub(charlie: Agent, target: Agent) -> None:
    ping = ping_of(charlie, target)

    assert pong(target, "hub").code == "ping_not_waiting"
    assert pings.answered([ping.pk]) == []


def test_another_realms_ping_is_out_of_reach(alice: Agent, target: Agent, mallory: Agent) -> None:
    ping = ping_of(alice, target)

    assert pong(mallory, "hub").code == "ping_not_waiting"
    assert pong(mallory, "hub", **{"from": target.id}).code == "session_not_owned"
    assert pings.answered([ping.pk]) == []


def test_a_pong_to_an_unknown_session_is_refused(target: Agent, mallory: Agent) -> None:
    assert pong(target, mallory.id).code == "recipient_not_found"


def test_only_a_pong_goes_to_the_hub(target: Agent) -> None:
    assert pong(target, "hub", category="message").status == 400


def test_where_signatures_are_required_a_pong_has_to_have_one(alice: Agent, target: Agent) -> None:
    ping = ping_of(alice, target)
    assert alice.session is not None
    set_realm(alice.session.realm, require_signatures=True)

    assert pong(target, "hub").code == "signature_required"
    assert pings.answered([ping.pk]) == []


def test_giving_up_takes_the_ping_back(alice: Agent, target: Agent) -> None:
    ping = ping_of(alice, target)
    assert unread_of(target) == (1, 1)

    pings.give_up(ping, Message.objects.get(pk=ping.pk).realm_id)

    assert unread_of(target) == (0, 0)
    assert target.inbox() == []


def test_giving_up_leaves_a_ping_that_was_read(alice: Agent, target: Agent) -> None:
    ping = ping_of(alice, target)
    target.inbox()

    pings.give_up(ping, Message.objects.get(pk=ping.pk).realm_id)

    assert unread_of(target) == (0, 0)
