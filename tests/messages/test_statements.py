"""The one-statement forms of send, poll, and reading and marking for streams do what the plain forms do.

Of send and poll each situation is built twice, in two realms that nobody can tell apart; one form runs in
each, and then answers and rows are compared. Reading for streams changes nothing: both forms read the same.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.sealing import unseal
from hub.bell import bell
from hub.idempotency.models import IdempotencyRecord
from hub.idempotency.rules import attempt_of
from hub.messages import feed, rules, statements
from hub.messages.feed import ANY_BYTES
from hub.messages.feed_event import CARRIED_BYTES
from hub.messages.inbox import Filters, Outgoing
from hub.messages.models import Delivery, Inbox, Message
from hub.messages.statements import Keeping
from hub.sessions.models import Session
from hub.sessions.rules import end_session
from realms.ids import MESSAGE, SESSION, new_id
from realms.models import Realm
from realms.refusal import Refusal
from tests.cast import OPERATOR, Agent, new_agent, new_key, new_realm
from tests.messages.world import World, new_world

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def worlds() -> tuple[World, World]:
    """Two worlds that are alike."""
    return new_world("one"), new_world("two")


def with_(
    prepare: Callable[[World], Any], message: Callable[[World], Outgoing]
) -> Callable[[World], Outgoing]:
    """Return a situation: what happened before, and the message to send."""

    def situation(world: World) -> Outgoing:
        prepare(world)
        return message(world)

    return situation


def fill(agent: Agent) -> None:
    Inbox.objects.filter(pk=agent.id).update(unread=3)


def quiet(agent: Agent) -> None:
    Session.objects.filter(pk=agent.id).update(status="inactive", last_seen=LONG_AGO)


def not_seen_for_long(agent: Agent) -> None:
    Session.objects.filter(pk=agent.id).update(last_seen=LONG_AGO)


def inactive_though_just_seen(agent: Agent) -> None:
    Session.objects.filter(pk=agent.id).update(status="inactive")


def leave(agent: Agent) -> None:
    assert agent.session is not None
    end_session(agent.session, by=OPERATOR)


def give_away(world: World) -> None:
    """Make alice a session of another key."""
    Session.objects.filter(pk=world.alice.id).update(key=new_key(world.realm)[0])


def foreign_recipient(world: World) -> Outgoing:
    foreign = new_agent(new_key(new_realm(f"{world.realm.owner.email.split('@')[0]}-x"))[1], "f")
    return world.outgoing(world.bob, foreign)


def many_with_grants(world: World) -> None:
    world.grants(world.bob)
    world.grants(world.carol)


FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
REPLY = new_id(MESSAGE)
GHOST = new_id(SESSION)

SENDS: dict[str, Callable[[World], Outgoing]] = {
    "to one": lambda w: w.outgoing(w.bob),
    "to many": lambda w: w.outgoing(w.dora, w.bob, w.carol),
    "to oneself": lambda w: w.outgoing(w.alice),
    "all members": lambda w: w.outgoing(
        w.bob, category="result", expires_at=FUTURE, reply_to=REPLY, envelope='{"sig":"ed25519:x"}'
    ),
    "to an inactive session": with_(lambda w: quiet(w.bob), lambda w: w.outgoing(w.bob)),
    "from an inactive session": with_(lambda w: quiet(w.alice), lambda w: w.outgoing(w.bob)),
    "from one not seen for long": with_(lambda w: not_seen_for_long(w.alice), lambda w: w.outgoing(w.bob)),
    "from one inactive though just seen": with_(
        lambda w: inactive_though_just_seen(w.alice), lambda w: w.outgoing(w.bob)
    ),
    "to a stream": with_(lambda w: w.streams(w.bob), lambda w: w.outgoing(w.bob)),
    "to some streams": with_(lambda w: w.streams(w.bob), lambda w: w.outgoing(w.bob, w.carol)),
    "to streams only": with_(lambda w: w.streams(w.bob, w.carol), lambda w: w.outgoing(w.bob, w.carol)),
    "to a stream of a dead process": with_(
        lambda w: w.streams(w.bob, beat_at=LONG_AGO), lambda w: w.outgoing(w.bob)
    ),
    "to nobody known": lambda w: w.outgoing(w.bob, recipients=[GHOST]),
    "to one unknown of two": lambda w: w.outgoing(w.bob, recipients=[w.bob.id, GHOST]),
    "to another realm": foreign_recipient,
    "to a deregistered session": with_(lambda w: leave(w.bob), lambda w: w.outgoing(w.bob, w.carol)),
    "from a deregistered session": with_(lambda w: leave(w.alice), lambda w: w.outgoing(w.bob)),
    "from a session of another key": with_(give_away, lambda w: w.outgoing(w.bob)),
    "from an unknown session": lambda w: w.outgoing(w.bob, sender_id=GHOST),
    "to a full inbox": with_(lambda w: fill(w.bob), lambda w: w.outgoing(w.bob)),
    "to one full inbox of two": with_(lambda w: fill(w.carol), lambda w: w.outgoing(w.bob, w.carol)),
    "delegate with a grant": with_(lambda w: w.grants(w.bob), lambda w: w.delegate(w.bob)),
    "delegate with two grants": with_(many_with_grants, lambda w: w.delegate(w.bob, w.carol)),
    "delegate with one grant of two": with_(lambda w: w.grants(w.bob), lambda w: w.delegate(w.bob, w.carol)),
    "delegate without a grant": lambda w: w.delegate(w.bob),
    "delegate to oneself": lambda w: w.delegate(w.alice),
    "delegate to oneself and another": with_(lambda w: w.grants(w.bob), lambda w: w.delegate(w.alice, w.bob)),
    "delegate undeclared": with_(lambda w: w.grants(w.dora), lambda w: w.delegate(w.dora)),
    "delegate with a pending grant": with_(
        lambda w: w.grants(w.bob, status="pending"), lambda w: w.delegate(w.bob)
    ),
    "delegate with a revoked grant": with_(
        lambda w: w.grants(w.bob, status="revoked"), lambda w: w.delegate(w.bob)
    ),
    "delegate with an overdue grant": with_(
        lambda w: w.grants(w.bob, expires_at=LONG_AGO), lambda w: w.delegate(w.bob)
    ),
    "delegate with another capability's grant": with_(
        lambda w: w.grants(w.bob, capability="memory.read"), lambda w: w.delegate(w.bob)
    ),
    "delegate with another's grant": with_(
        lambda w: w.grants(w.bob, requester_id=w.carol.id), lambda w: w.delegate(w.bob)
    ),
    "delegate with a grant the other way": with_(
        lambda w: w.grants(w.bob, requester_id=w.bob.id, grantor_id=w.alice.id),
        lambda w: w.delegate(w.bob),
    ),
    "delegate of another capability": with_(
        lambda w: w.grants(w.bob, capability="memory.read"),
        lambda w: replace(w.delegate(w.bob), capability="memory.read"),
    ),
}


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("situation", SENDS.values(), ids=SENDS.keys())
def test_both_forms_of_send_have_one_outcome(
    worlds: tuple[World, World],
    situation: Callable[[World], Outgoing],
    keeps: bool,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    plain, statement = worlds
    to_send = [situation(world) for world in worlds]
    before = statement.state()
    assert before == plain.state()

    with django_capture_on_commit_callbacks(execute=True):
        try:
            expected: bool | None = rules.send_plainly(plain.caller, to_send[0]).delivered
        except Refusal:
            expected = None
        posted = statements.send(statement.caller, to_send[1], keeping(statement) if keeps else None)

    got = None if posted is None else len(posted.numbers) == len(to_send[1].recipients)
    assert got == expected
    kept = [unseal(str(record.sealed_answer)) for record in IdempotencyRecord.objects.all()]
    assert kept == ([b"delivered" if got else b"queued"] if keeps and got is not None else [])
    if expected is None:
        assert statement.state() == before
        with pytest.raises(Refusal):
            rules.send_plainly(statement.caller, to_send[1])
    else:
        assert statement.state() == plain.state() != before


@pytest.mark.parametrize("form", [rules.send_plainly, statements.send])
def test_the_bell_rings_for_those_alone_who_have_a_stream_open(
    worlds: tuple[World, World],
    form: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    world = worlds[0]
    rung: list[str] = []
    monkeypatch.setattr(bell, "tell", lambda news, *, elsewhere: rung.extend(news))
    if form is rules.send_plainly:
        monkeypatch.setattr(connection, "vendor", "plain")
    world.streams(world.bob)

    with django_capture_on_commit_callbacks(execute=True):
        world.alice.send(world.carol)
    assert rung == []
    with django_capture_on_commit_callbacks(execute=True):
        world.alice.send([world.bob, world.carol])
    assert rung == [world.bob.id]


def keeping(world: World) -> Keeping:
    attempt = attempt_of(world.caller, "k", "/api/v1/messages", b"{}")
    assert attempt is not None
    return Keeping(attempt, if_queued=b"queued", if_delivered=b"delivered")


def test_what_was_sent_by_an_attempt_is_not_sent_by_an_equal_one(worlds: tuple[World, World]) -> None:
    world, other = worlds
    assert statements.send(world.caller, world.outgoing(world.bob), keeping(world)) is not None
    before = world.state()

    assert statements.send(world.caller, world.outgoing(world.bob), keeping(world)) is None

    assert world.state() == before
    assert IdempotencyRecord.objects.count() == 1
    # Another key's attempt of the same name is another.
    assert statements.send(other.caller, other.outgoing(other.bob), keeping(other)) is not None


def test_both_forms_of_send_note_when_the_first_message_expires(worlds: tuple[World, World]) -> None:
    soon, later = datetime(2098, 1, 1, tzinfo=UTC), FUTURE
    plain, statement = worlds

    def noted(*expiries: datetime | None) -> list[datetime | None]:
        found = []
        for expires_at in expiries:
            for world, send in ((plain, rules.send_plainly), (statement, statements.send)):
                Inbox.objects.filter(pk=world.bob.id, unread=3).update(unread=2)  # there is room for three
                assert send(world.caller, world.outgoing(world.bob, expires_at=expires_at))
            assert statement.state()["inboxes"] == plain.state()["inboxes"]
            found.append(Inbox.objects.get(pk=statement.bob.id).first_expiry)
        return found

    assert noted(None, later, None, soon, later) == [None, later, later, soon, soon]
    Inbox.objects.update(unread=0)
    assert noted(None, later) == [None, later]
    Inbox.objects.update(unread=0)
    assert noted(later) == [later]


def test_some_situations_are_refused_and_some_are_not(worlds: tuple[World, World]) -> None:
    """The comparison would be empty if every situation ended in a refusal."""
    to_nobody = statements.send(worlds[0].caller, SENDS["to many"](worlds[0]))
    assert to_nobody is not None
    assert to_nobody.numbers == {}
    to_streams = SENDS["to streams only"](worlds[1])
    posted = statements.send(worlds[1].caller, to_streams)
    assert posted is not None
    assert posted.numbers.keys() == set(to_streams.recipients)


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
    rules.poll_plainly(world.bob.session, Filters(limit=1, category="event"))


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
}


@pytest.mark.parametrize(("prepare", "filters"), POLLS.values(), ids=POLLS.keys())
def test_both_forms_of_poll_have_one_outcome(
    worlds: tuple[World, World], prepare: Callable[[World], Any], filters: Filters
) -> None:
    plain, statement = worlds
    for world in worlds:
        prepare(world)
    assert plain.bob.session and statement.bob.session

    expected = rules.poll_plainly(plain.bob.session, filters)
    found = rules.poll_by_statement(statement.caller, statement.bob.id, filters)
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


@pytest.mark.parametrize("each", [1, 3, 4, 100])
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


@pytest.mark.parametrize("after", [0, 1, 5, 6])
@pytest.mark.parametrize("unread_up_to", [0, 3, 6])
@pytest.mark.parametrize("limit", [1, 2, 9])
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


def test_the_api_sends_polls_and_streams_by_statement(
    worlds: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL the plain forms are there for refusals alone."""
    world = worlds[0]
    monkeypatch.setattr(rules, "send_plainly", lambda *_: pytest.fail("sent plainly"))
    monkeypatch.setattr(rules, "poll_plainly", lambda *_: pytest.fail("polled plainly"))
    monkeypatch.setattr(feed, "read_many_plainly", lambda *_, **__: pytest.fail("read plainly"))
    monkeypatch.setattr(feed, "read_page_plainly", lambda **_: pytest.fail("read plainly"))
    monkeypatch.setattr(feed, "mark_sent_plainly", lambda *_: pytest.fail("marked plainly"))

    assert world.alice.send(world.bob).status == 200
    assert len(feed.read_many({world.bob.id: 0}, each=9)) == 1
    assert len(feed.read_page(world.realm.pk, world.bob.id, after=0, unread_up_to=1, limit=9)) == 1
    feed.mark_sent({world.bob.id: []})
    assert len(world.bob.inbox()) == 1
