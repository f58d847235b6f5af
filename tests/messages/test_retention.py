"""What the periodic sweep drops from inboxes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hub.messages.models import Delivery, Message
from hub.messages.retention import sweep_messages
from hub.tasks import sweep_messages as task
from realms.models import Realm
from tests.at_once import at_once
from tests.cast import Agent
from tests.rows import expire, sent_ago, set_realm, unread_of


def send(sender: Agent, *to: Agent) -> str:
    return str(sender.send(list(to)).json["message_id"])


def read_ago(message_id: str, **ago: float) -> None:
    Delivery.objects.filter(message_id=message_id).update(read_at=timezone.now() - timedelta(**ago))
    sent_ago(message_id, **ago)


def held(reader: Agent) -> list[str]:
    return list(Delivery.objects.filter(recipient_id=reader.id).values_list("message_id", flat=True))


def test_unread_messages_are_kept_for_ever(alice: Agent, bob: Agent) -> None:
    sent = send(alice, bob)
    sent_ago(sent, days=1000)

    assert sweep_messages() == 0

    assert [message["id"] for message in bob.inbox()] == [sent]


def test_read_ones_go_after_the_retention(alice: Agent, bob: Agent) -> None:
    old, new = send(alice, bob), send(alice, bob)
    assert len(bob.inbox()) == 2
    read_ago(old, days=31)
    read_ago(new, days=29)

    assert sweep_messages() == 1

    assert held(bob) == [new]
    assert alice.get(f"messages/{old}").status == 404
    assert alice.get(f"messages/{new}").status == 200


def test_each_realm_has_its_own_retention(realm: Realm, alice: Agent, bob: Agent, mallory: Agent) -> None:
    set_realm(realm, retention_days=1)
    for sender, to in ((alice, bob), (mallory, mallory)):
        sent = send(sender, to)
        to.inbox()
        read_ago(sent, days=2)

    assert sweep_messages() == 1

    assert (len(held(bob)), len(held(mallory))) == (0, 1)


def test_a_message_stays_while_another_inbox_holds_it(alice: Agent, bob: Agent, charlie: Agent) -> None:
    sent = send(alice, bob, charlie)
    bob.inbox()
    Delivery.objects.filter(recipient_id=bob.id).update(read_at=timezone.now() - timedelta(days=31))
    sent_ago(sent, days=31)

    assert sweep_messages() == 1

    assert [message["id"] for message in charlie.inbox()] == [sent]


def test_expired_ones_go_and_are_unread_no_more(alice: Agent, bob: Agent) -> None:
    sent = [send(alice, bob) for _ in range(3)]
    expire(*sent[:2])
    assert unread_of(bob) == (3, 3)

    assert sweep_messages() == 2

    assert unread_of(bob) == (1, 1)
    assert [message["id"] for message in bob.inbox()] == sent[2:]
    status = alice.get(f"messages/{sent[0]}").json["recipients"][0]
    assert (status["to"], status["status"]) == (bob.id, "discarded")


def test_expired_messages_make_room_in_a_full_inbox(realm: Realm, alice: Agent, bob: Agent) -> None:
    set_realm(realm, inbox_limit=1)
    expire(send(alice, bob))
    task()

    assert alice.send(bob).status == 200


def test_what_a_deregistered_session_read_goes_too(alice: Agent, bob: Agent) -> None:
    sent = send(alice, bob)
    bob.inbox()
    bob.delete(f"sessions/{bob.id}")
    read_ago(sent, days=31)

    assert sweep_messages() == 1
    assert not Message.objects.exists()


def test_numbers_go_on_after_a_sweep(alice: Agent, bob: Agent) -> None:
    expire(send(alice, bob))
    sweep_messages()

    send(alice, bob)

    assert Delivery.objects.get(recipient_id=bob.id).seq == 2


def test_a_limited_sweep_leaves_the_rest_for_the_next(alice: Agent, bob: Agent) -> None:
    expire(*[send(alice, bob) for _ in range(5)])

    assert [sweep_messages(limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert unread_of(bob) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_do_no_harm(alice: Agent, bob: Agent, charlie: Agent) -> None:
    sent = [send(alice, bob, charlie) for _ in range(6)]
    expire(*sent[:4])

    at_once(*[sweep_messages] * 4)

    for reader in (bob, charlie):
        assert unread_of(reader) == (2, 2)
        assert [message["id"] for message in reader.inbox()] == sent[4:]
