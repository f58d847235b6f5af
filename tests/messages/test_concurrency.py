"""Many senders and pollers at once, in real threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, transaction

from hub.messages.models import Delivery, Inbox, Message
from realms.models import Realm
from tests.at_once import at_once
from tests.cast import Agent, new_agent
from tests.rows import set_realm, unread_of
from tests.waiting import somebody_waits_for_us, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 8
EACH = 6


def send_each(sender: Agent, to: list[Agent]) -> list[str]:
    answers = [sender.send(to) for _ in range(EACH)]
    assert [answer.status for answer in answers] == [200] * EACH, [answer.json for answer in answers]
    return [str(answer.json["message_id"]) for answer in answers]


def poll_until_empty(reader: Agent, query: str) -> list[list[str]]:
    """Poll until a page comes back empty, and return the pages before it."""
    pages = []
    while page := [str(message["id"]) for message in reader.inbox(query)]:
        pages.append(page)
    return pages


def numbers(reader: Agent) -> list[int]:
    deliveries = Delivery.objects.filter(recipient_id=reader.id).order_by("seq")
    return list(deliveries.values_list("seq", flat=True))


def test_senders_to_one_inbox_take_numbers_without_a_gap(alice: Agent, bob: Agent, charlie: Agent) -> None:
    senders = [alice, charlie] * (THREADS // 2)

    sent = at_once(*[partial(send_each, sender, [bob]) for sender in senders])

    total = THREADS * EACH
    assert numbers(bob) == list(range(1, total + 1))
    assert (Inbox.objects.get(pk=bob.id).seq, unread_of(bob)) == (total, (total, total))
    received = [str(message["id"]) for message in bob.inbox("?limit=500")]
    assert sorted(received) == sorted(message for some in sent for message in some)
    for mine in sent:  # what one sender sent one after the other arrives in that order
        assert [message for message in received if message in mine] == mine


@pytest.mark.parametrize("query", ["?limit=1", "?limit=5", "?limit=500", "?limit=3&category=message"])
def test_pollers_get_each_message_exactly_once(alice: Agent, bob: Agent, query: str) -> None:
    sent = [str(alice.send(bob).json["message_id"]) for _ in range(30)]

    polled = at_once(*[partial(poll_until_empty, bob, query)] * THREADS)

    pages = [page for mine in polled for page in mine]
    assert sorted(message for page in pages for message in page) == sorted(sent)
    for page in pages:
        assert page == [message for message in sent if message in page]
    assert unread_of(bob) == (0, 0)


def test_no_page_is_empty_while_something_is_unread(alice: Agent, bob: Agent) -> None:
    for _ in range(THREADS * 2):
        alice.send(bob)

    pages = at_once(*[partial(bob.inbox, "?limit=2")] * THREADS)

    assert [len(page) for page in pages] == [2] * THREADS
    assert unread_of(bob) == (0, 0)


@pytest.mark.postgres
def test_a_page_that_others_took_a_part_of_tells_how_many_are_left(alice: Agent, bob: Agent) -> None:
    for _ in range(6):
        alice.send(bob)

    def poll() -> tuple[int, int]:
        try:
            page = bob.get("messages?limit=3").json
            return len(page["messages"]), page["unread_count"]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            assert len(bob.inbox("?limit=2")) == 2
            polled = other.submit(poll)
            wait_until(somebody_waits_for_us)

        assert polled.result() == (1, 4)


def test_senders_and_pollers_at_once_lose_nothing(alice: Agent, bob: Agent, charlie: Agent) -> None:
    send: list[Callable[[], list[str]]] = [
        partial(send_each, sender, [bob]) for sender in [alice, charlie] * (THREADS // 4)
    ]

    def poll() -> list[str]:
        return [str(message["id"]) for _ in range(EACH) for message in bob.inbox("?limit=3")]

    results = at_once(*[*send, *[poll] * (THREADS // 2)])

    sent = [message for some in results[: len(send)] for message in some]
    polled = [message for some in results[len(send) :] for message in some]
    counted, rows = unread_of(bob)
    assert counted == rows == len(sent) - len(polled)
    assert sorted(polled + [str(message["id"]) for message in bob.inbox("?limit=500")]) == sorted(sent)
    assert unread_of(bob) == (0, 0)


def test_acknowledging_while_polling_counts_each_message_once(alice: Agent, bob: Agent) -> None:
    sent = [str(alice.send(bob).json["message_id"]) for _ in range(20)]

    def acknowledge() -> int:
        answers = [bob.post("messages/ack", {"ids": sent[i : i + 5]}) for i in range(0, 20, 5)]
        return sum(int(answer.json["acknowledged"]) for answer in answers)

    def poll() -> int:
        return sum(len(page) for page in poll_until_empty(bob, "?limit=3"))

    assert sum(at_once(*[acknowledge, poll] * (THREADS // 2))) == 20
    assert unread_of(bob) == (0, 0)


def test_overlapping_recipients_never_deadlock(key: str, charlie: Agent) -> None:
    crowd = [new_agent(key, f"agent-{i}") for i in range(6)]
    orders = [crowd[i:] + crowd[:i] for i in range(6)] + [crowd[::-1], crowd[::2]]

    at_once(*[partial(send_each, order[0], order) for order in orders])

    for i, agent in enumerate(crowd):
        total = EACH * (8 if i % 2 == 0 else 7)
        assert numbers(agent) == list(range(1, total + 1))
        assert unread_of(agent) == (total, total)


def test_a_full_inbox_takes_no_message_more(realm: Realm, alice: Agent, bob: Agent) -> None:
    set_realm(realm, inbox_limit=10)

    def send() -> list[int]:
        return [alice.send(bob).status for _ in range(3)]

    statuses = [status for mine in at_once(*[send] * THREADS) for status in mine]

    assert sorted(statuses) == [200] * 10 + [429] * 14
    assert unread_of(bob) == (10, 10)
    assert Message.objects.count() == 10


def test_a_message_to_a_session_that_leaves_is_sent_or_refused(alice: Agent, bob: Agent) -> None:
    def leave() -> list[int]:
        return [bob.delete(f"sessions/{bob.id}").status]

    def send() -> list[int]:
        return [alice.send(bob).status for _ in range(4)]

    statuses = at_once(*[leave, *[send] * 5])

    assert statuses[0] == [200]
    assert {status for mine in statuses[1:] for status in mine} <= {200, 404}
    assert not Delivery.objects.filter(recipient_id=bob.id).exists()
    assert not Inbox.objects.filter(pk=bob.id).exists()
