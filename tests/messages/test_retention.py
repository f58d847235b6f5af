"""What the periodic work drops: expired messages, what was read long ago, what nobody holds any more."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from hub.messages.models import Delivery, Message
from hub.messages.retention import drop_expired, drop_read, drop_unheld
from hub.tasks import drop_old_messages, sweep_messages
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

    assert [drop_expired(), drop_read(), drop_unheld()] == [0, 0, 0]

    assert [message["id"] for message in bob.inbox()] == [sent]


def test_read_ones_go_after_the_retention(alice: Agent, bob: Agent) -> None:
    old, new = send(alice, bob), send(alice, bob)
    assert len(bob.inbox()) == 2
    read_ago(old, days=31)
    read_ago(new, days=29)

    assert drop_read() == 1

    assert held(bob) == [new]
    assert alice.get(f"messages/{old}").status == 404
    assert alice.get(f"messages/{new}").status == 200


def test_each_realm_has_its_own_retention(realm: Realm, alice: Agent, bob: Agent, mallory: Agent) -> None:
    set_realm(realm, retention_days=1)
    for sender, to in ((alice, bob), (mallory, mallory)):
        sent = send(sender, to)
        to.inbox()
        read_ago(sent, days=2)

    assert drop_read() == 1

    assert (len(held(bob)), len(held(mallory))) == (0, 1)


def test_a_message_stays_while_another_inbox_holds_it(alice: Agent, bob: Agent, charlie: Agent) -> None:
    sent = send(alice, bob, charlie)
    bob.inbox()
    Delivery.objects.filter(recipient_id=bob.id).update(read_at=timezone.now() - timedelta(days=31))
    sent_ago(sent, days=31)

    assert drop_read() == 1

    assert [message["id"] for message in charlie.inbox()] == [sent]


def test_expired_ones_go_and_are_unread_no_more(alice: Agent, bob: Agent) -> None:
    sent = [send(alice, bob) for _ in range(3)]
    expire(*sent[:2])
    assert unread_of(bob) == (3, 3)

    assert drop_expired() == 2

    assert unread_of(bob) == (1, 1)
    assert [message["id"] for message in bob.inbox()] == sent[2:]
    status = alice.get(f"messages/{sent[0]}").json["recipients"][0]
    assert (status["to"], status["status"]) == (bob.id, "discarded")


def test_expired_messages_make_room_in_a_full_inbox(realm: Realm, alice: Agent, bob: Agent) -> None:
    set_realm(realm, inbox_limit=1)
    expire(send(alice, bob))
    sweep_messages()

    assert alice.send(bob).status == 200


def test_what_a_deregistered_session_read_goes_too(alice: Agent, bob: Agent) -> None:
    sent = send(alice, bob)
    bob.inbox()
    bob.delete(f"sessions/{bob.id}")
    read_ago(sent, days=31)

    assert drop_read() == 1
    assert not Message.objects.exists()


def test_numbers_go_on_after_a_sweep(alice: Agent, bob: Agent) -> None:
    expire(send(alice, bob))
    drop_expired()

    send(alice, bob)

    assert Delivery.objects.get(recipient_id=bob.id).seq == 2


def test_a_limited_sweep_leaves_the_rest_for_the_next(alice: Agent, bob: Agent) -> None:
    expire(*[send(alice, bob) for _ in range(5)])

    assert [drop_expired(limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert unread_of(bob) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_do_no_harm(alice: Agent, bob: Agent, charlie: Agent) -> None:
    sent = [send(alice, bob, charlie) for _ in range(6)]
    expire(*sent[:4])

    assert sum(at_once(*[drop_expired] * 4)) == 4

    for reader in (bob, charlie):
        assert unread_of(reader) == (2, 2)
        assert [message["id"] for message in reader.inbox()] == sent[4:]


def test_more_inboxes_than_are_locked_together_are_all_relieved(
    alice: Agent, bob: Agent, charlie: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.messages.retention.INBOXES_PER_LOCK", 2)
    sent = [send(alice, bob, charlie), send(bob, alice), send(charlie, alice, bob, charlie)]
    bob.inbox("?limit=1")
    expire(*sent)

    assert sweep_messages() == {"expired": 3}

    assert not Delivery.objects.exists()
    assert [unread_of(agent) for agent in (alice, bob, charlie)] == [(0, 0)] * 3


def test_what_expired_is_not_looked_at_again(
    alice: Agent, bob: Agent, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    expire(send(alice, bob))
    assert drop_expired() == 1

    with django_assert_num_queries(1):
        assert drop_expired() == 0


def test_a_message_that_expired_goes_after_the_retention(alice: Agent, bob: Agent) -> None:
    old, new = send(alice, bob), send(alice, bob)
    expire(old, new)
    sweep_messages()
    sent_ago(old, days=31)
    sent_ago(new, days=29)

    assert drop_old_messages() == {"deliveries": 0, "messages": 1}

    assert list(Message.objects.values_list("pk", flat=True)) == [new]


def test_what_a_session_never_read_before_it_left_goes_after_the_retention(alice: Agent, bob: Agent) -> None:
    sent = send(alice, bob)
    bob.delete(f"sessions/{bob.id}")
    assert drop_unheld() == 0
    sent_ago(sent, days=31)

    assert drop_unheld() == 1


@pytest.mark.django_db(transaction=True)
def test_a_message_goes_once_though_two_inboxes_lose_it_at_once(
    alice: Agent, bob: Agent, charlie: Agent
) -> None:
    sent = [send(alice, bob, charlie) for _ in range(5)]
    for reader in (bob, charlie):
        reader.inbox()
    for message_id in sent:
        read_ago(message_id, days=31)

    assert sum(at_once(*[drop_read] * 4)) == 10
    drop_unheld()

    assert not Message.objects.exists()
