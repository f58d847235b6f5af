"""The one-statement forms of poll, and of reading and marking for streams, do what the plain forms do.

Of what changes something each situation is built twice, in two realms that nobody can tell apart, as for
sends; reading for streams changes nothing, and both forms read the same.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from hub.messages import feed, reading, rules, statements
from hub.messages.feed import ANY_BYTES
from hub.messages.feed_event import CARRIED_BYTES
from hub.messages.inbox import Filters
from hub.messages.models import Delivery, Inbox, Message
from hub.page_bytes import ITEM_BYTES
from realms.ids import MESSAGE, new_id
from realms.models import Realm
from tests.cases import cases
from tests.messages.world import FUTURE, LONG_AGO, World, leave

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

REPLY = new_id(MESSAGE)


def post_all(world: World) -> None:
    """Put six messages of several kinds into bob's inbox."""
    Realm.objects.filter(pk=world.realm.pk).update(inbox_limit=100)
    members: list[dict[str, Any]] = [
        {"payload": '{"n":1}'},
        {"payload": '{"n":2}', "category": "event"},
        {"payload": '{"n":3}', "expires_at": FUTURE, "reply_to": REPLY},
        {"payload": '{"n":4}', "expires_at": LONG_AGO},
        {"payload": '{"n":5}', "category": "event", "envelope": '{"from":"x","sig":"ed25519:y"}'},
        {"payload": '{"n":6}'},
    ]
    for i, extra in enumerate(members):
        outgoing = world.outgoing(world.bob, **extra)
        rules.send_plainly(world.caller, outgoing)
        sent_at = datetime(2026, 4, 6, 9, i, tzinfo=UTC)
        Message.objects.filter(pk=outgoing.id).update(sent_at=sent_at)
    # Rewritten, the first rows lie behind the others, and only a number says that they come before them.
    first = Delivery.objects.filter(recipient_id=world.bob.id, seq=1)
    first.update(delivered_at=LONG_AGO)
    Message.objects.filter(deliveries__in=first).update(reply_to=None)


def post_all_and_read_some(world: World) -> None:
    post_all(world)
    assert world.bob.session is not None
    reading.poll_plainly(world.bob.session, Filters(limit=1, category="event"))


def expect_to_lose(world: World) -> None:
    """Have bob's inbox hold five messages that expire, none of them yet."""
    post_all(world)
    Message.objects.filter(expires_at=LONG_AGO).delete()
    Inbox.objects.filter(pk=world.bob.id).update(unread=5, first_expiry=FUTURE)


POLLS: dict[str, tuple[Callable[[World], Any], Filters]] = {
    "an empty inbox": (lambda w: None, Filters(limit=100)),
    "everything": (post_all, Filters(limit=100)),
    "a page": (post_all, Filters(limit=2)),
    "a page of what does not expire yet": (expect_to_lose, Filters(limit=2)),
    "a page of a category of it": (expect_to_lose, Filters(limit=1, category="message")),
    "exactly as many as there are": (post_all, Filters(limit=5)),
    "a category": (post_all, Filters(limit=100, category="event")),
    "a page of a category": (post_all, Filters(limit=1, category="event")),
    "a category that is not there": (post_all, Filters(limit=100, category="pong")),
    "since, inclusive": (post_all, Filters(limit=100, since=datetime(2026, 4, 6, 9, 2, tzinfo=UTC))),
    "since and category": (
        post_all,
        Filters(limit=1, category="event", since=datetime(2026, 4, 6, 9, 1, tzinfo=UTC)),
    ),
    "what others left": (post_all_and_read_some, Filters(limit=100)),
    "a page that ends after its first message": (post_all, Filters(limit=100, page_bytes=1)),
    "a page that ends between two messages": (post_all, Filters(limit=100, page_bytes=2 * ITEM_BYTES + 100)),
    "a page of a limit that ends before it": (post_all, Filters(limit=3, page_bytes=1)),
    "a page of a category that ends early": (post_all, Filters(limit=100, category="event", page_bytes=1)),
    "a page that ends early, of what does not expire yet": (
        expect_to_lose,
        Filters(limit=100, page_bytes=2 * ITEM_BYTES + 100),
    ),
}


@cases(("prepare", "filters"), POLLS.values(), ids=POLLS.keys())
def test_both_forms_of_poll_have_one_outcome(
    worlds: tuple[World, World], prepare: Callable[[World], Any], filters: Filters
) -> None:
    plain, statement = worlds
    for world in worlds:
        prepare(world)
    assert plain.bob.session and statement.bob.session

    expected = reading.poll_plainly(plain.bob.session, filters)
    found = reading.poll_by_statement(statement.caller, statement.bob.id, filters)
    assert found is not None

    def shown(message: Message) -> Any:
        fields = ("category", "payload", "envelope", "reply_to", "capability", "sent_at", "expires_at")
        return [getattr(message, name) for name in fields]

    assert [shown(message) for message in found.messages] == [shown(message) for message in expected.messages]
    assert all(message.sender_id == statement.alice.id for message in found.messages)
    assert found.unread_count == expected.unread_count
    assert statement.state()["inboxes"] == plain.state()["inboxes"]
    assert statement.state()["deliveries"] == plain.state()["deliveries"]


def test_a_page_is_the_oldest_in_order_however_the_planner_reads(worlds: tuple[World, World]) -> None:
    world, _ = worlds
    post_all(world)
    with connection.cursor() as cursor:
        for way in ("indexscan", "indexonlyscan", "bitmapscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")

    found = statements.poll(world.caller, world.bob.id, Filters(limit=2))

    assert found is not None
    messages, _ = found
    assert [message.payload for message in messages] == ['{"n":1}', '{"n":2}']


def post_small_and_large(world: World) -> dict[str, int]:
    """Put messages into three inboxes and return numbers to read them from."""
    post_all(world)
    for payload in ('{"n":7}', json.dumps({"x": "x" * CARRIED_BYTES}), '{"n":8}'):
        rules.send_plainly(world.caller, world.outgoing(world.carol, payload=payload))
    # A large text of fewer characters than octets.
    wide = json.dumps({"x": "€" * (CARRIED_BYTES // 2)}, ensure_ascii=False)
    rules.send_plainly(world.caller, world.outgoing(world.dora, payload=wide))
    return {world.carol.id: 0, world.bob.id: 1, world.dora.id: 0, world.alice.id: 0}


@cases("each", [1, 3, 4, 100])
def test_both_forms_of_reading_for_streams_find_the_same(worlds: tuple[World, World], each: int) -> None:
    world, other = worlds
    cursors = post_small_and_large(world)
    post_all(other)

    expected = feed.read_many_plainly(cursors, each=each)
    found = feed.read_many(cursors, each=each)

    assert [event for inbox in found.values() for event in inbox] == expected
    # Four of bob's, one having expired, three of carol's, dora's one.
    there = {world.bob.id: 4, world.carol.id: 3, world.dora.id: 1}
    assert {name: len(events) for name, events in found.items()} == {
        name: min(each, count) for name, count in there.items()
    }
    assert sum(event.data is None for event in feed.read_many_plainly(cursors, each=100)) == 2


@cases("after", [0, 1, 5, 6])
@cases("unread_up_to", [0, 3, 6])
@cases("limit", [1, 2, 9])
def test_both_forms_of_reading_a_page_for_a_stream_find_the_same(
    worlds: tuple[World, World], after: int, unread_up_to: int, limit: int
) -> None:
    world, other = worlds
    post_all_and_read_some(world)  # the second of bob's; the fourth has expired
    post_all(other)
    Message.objects.filter(payload='{"n":5}').update(payload=json.dumps({"x": "x" * CARRIED_BYTES}))
    inbox: dict[str, Any] = {"realm_id": world.realm.pk, "session_id": world.bob.id, "after": after}
    page: dict[str, Any] = {**inbox, "unread_up_to": unread_up_to, "limit": limit}

    for carried_bytes in (CARRIED_BYTES, ANY_BYTES):
        found = [feed._event(*each) for each in statements.read_page(**page, carried_bytes=carried_bytes)]
        assert found == feed.read_page_plainly(**page, carried_bytes=carried_bytes)

    is_wanted = range(after + 1, unread_up_to + 1 if after < unread_up_to else 7)
    expected = [seq for seq in is_wanted if seq != 4 and not (after < unread_up_to and seq == 2)]
    assert [event.seq for event in found] == expected[:limit]


def test_both_forms_of_marking_what_was_sent_have_one_outcome(worlds: tuple[World, World]) -> None:
    plain, statement = worlds
    for world in worlds:
        post_all_and_read_some(world)  # the second of bob's
        rules.send_plainly(world.caller, world.outgoing(world.carol))
        rules.send_plainly(world.caller, world.outgoing(world.dora))
        Delivery.objects.filter(recipient_id=world.carol.id).update(delivered_at=LONG_AGO)
        leave(world.dora)

    def sent(world: World) -> dict[str, list[int]]:
        # By two streams, one of which is slower; numbers that are not there; an inbox that is not.
        return {world.bob.id: [1, 2, 3, 1, 9], world.carol.id: [1], world.dora.id: [1]}

    feed.mark_sent_plainly(sent(plain))
    feed.mark_sent(sent(statement))

    assert statement.state() == plain.state()
    assert {i.pk: i.unread for i in Inbox.objects.filter(realm=statement.realm)} == {
        statement.alice.id: 0,
        statement.bob.id: 3,
        statement.carol.id: 0,
    }
