"""The one-statement form of send does what the plain form does.

Each situation is built twice, in two realms that nobody can tell apart; one form runs in each, and then
answers and rows are compared.
"""

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
from hub.messages import feed, reading, rules, statements
from hub.messages.inbox import Outgoing
from hub.messages.models import Inbox
from hub.messages.statements import Keeping
from hub.sessions.models import Session
from realms.ids import MESSAGE, SESSION, new_id
from realms.refusal import Refusal
from tests.cases import cases
from tests.cast import Agent, new_agent, new_key, new_realm
from tests.messages.world import FUTURE, LONG_AGO, World, leave

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


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


def give_away(world: World) -> None:
    """Make alice a session of another key."""
    Session.objects.filter(pk=world.alice.id).update(key=new_key(world.realm)[0])


def foreign_recipient(world: World) -> Outgoing:
    foreign = new_agent(new_key(new_realm(f"{world.realm.owner.email.split('@')[0]}-x"))[1], "f")
    return world.outgoing(world.bob, foreign)


def many_with_grants(world: World) -> None:
    world.grants(world.bob)
    world.grants(world.carol)


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


@cases("keeps", [False, True])
@cases("situation", SENDS.values(), ids=SENDS.keys())
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


def test_the_api_sends_polls_and_streams_by_statement(
    worlds: tuple[World, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL the plain forms are there for refusals alone."""
    world = worlds[0]
    monkeypatch.setattr(rules, "send_plainly", lambda *_: pytest.fail("sent plainly"))
    monkeypatch.setattr(reading, "poll_plainly", lambda *_: pytest.fail("polled plainly"))
    monkeypatch.setattr(feed, "read_many_plainly", lambda *_, **__: pytest.fail("read plainly"))
    monkeypatch.setattr(feed, "read_page_plainly", lambda **_: pytest.fail("read plainly"))
    monkeypatch.setattr(feed, "mark_sent_plainly", lambda *_: pytest.fail("marked plainly"))

    assert world.alice.send(world.bob).status == 200
    assert len(feed.read_many({world.bob.id: 0}, each=9)) == 1
    assert len(feed.read_page(world.realm.pk, world.bob.id, after=0, unread_up_to=1, limit=9)) == 1
    feed.mark_sent({world.bob.id: []})
    assert len(world.bob.inbox()) == 1
