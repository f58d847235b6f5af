"""The tailer: what it queues for streams that are not all equally far."""

import asyncio
import uuid
from typing import Any

import pytest

from hub.live import tailer as tailer_module
from hub.live.outlet import Outlet
from hub.live.tailer import Tailer
from hub.messages import feed
from hub.messages.feed_event import FeedEvent
from tests.cast import Agent, new_agent


def outlet_of(agent: Agent, queued: int) -> Outlet:
    assert agent.session is not None
    return Outlet(
        id=uuid.uuid4(),
        realm_id=agent.session.realm_id,
        session_id=agent.id,
        key_id="",
        secret_id=None,
        written=queued,
        queued=queued,
        behind=False,
    )


def test_a_stream_that_opens_while_its_inbox_is_read_skips_nothing(
    transactional_db: None, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = new_agent(key, "alice"), new_agent(key, "bob")
    for _ in range(3):
        assert alice.send(bob).status == 200
    early, late = outlet_of(bob, queued=2), outlet_of(bob, queued=0)
    read_many: Any = feed.read_many

    async def scene() -> None:
        tailer = Tailer(uuid.uuid4())

        def read_and_open(*args: Any, **options: Any) -> Any:
            found = read_many(*args, **options)
            if late not in tailer.outlets[bob.id]:
                tailer.add(late)
            return found

        monkeypatch.setattr(feed, "read_many", read_and_open)
        tailer.add(early)
        tailer.ring([bob.id])
        await tailer._read()

    asyncio.run(scene())

    assert [event.seq for event in early.queue] == [3]
    assert [event.seq for event in late.queue] == [1, 2, 3]


def test_a_message_that_is_told_of_goes_to_whom_it_is_the_next_and_the_others_read(
    transactional_db: None, key: str
) -> None:
    alice, bob = new_agent(key, "alice"), new_agent(key, "bob")
    for _ in range(3):
        assert alice.send(bob).status == 200
    ready, late, slow, done = (outlet_of(bob, queued=queued) for queued in (2, 0, 2, 3))
    slow.behind = True
    told = FeedEvent(bob.id, 3, "msg_told", b"{}")

    async def scene() -> None:
        tailer = Tailer(uuid.uuid4())
        for outlet in (ready, late, slow, done):
            tailer.add(outlet)
        tailer.hear({bob.id: told, alice.id: FeedEvent(alice.id, 1, "msg_nobody_streams", b"{}")})
        assert ready.queue == [told]
        assert late.queue == slow.queue == done.queue == []
        await tailer._read()
        assert [event.seq for event in late.queue] == [1, 2, 3]

    asyncio.run(scene())

    assert ready.queue == [told]
    assert slow.queue == done.queue == []


def test_a_backlog_is_read_in_parts_and_keeps_no_other_waiting(
    transactional_db: None, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob, carol = (new_agent(key, name) for name in ("alice", "bob", "carol"))
    for _ in range(7):
        assert alice.send(bob).status == 200
    assert alice.send(carol).status == 200
    backlog, one = outlet_of(bob, queued=0), outlet_of(carol, queued=0)
    read_many: Any = feed.read_many
    reads: list[dict[str, int]] = []

    def read_and_note(*args: Any, **options: Any) -> Any:
        found = read_many(*args, **options)
        reads.append({name: len(events) for name, events in found.items()})
        return found

    async def scene() -> None:
        tailer = Tailer(uuid.uuid4())
        tailer.add(backlog)
        tailer.add(one)
        tailer.ring([bob.id, carol.id])
        await tailer._read()

    monkeypatch.setattr(feed, "read_many", read_and_note)
    monkeypatch.setattr(tailer_module, "MESSAGES_PER_QUERY", 4)
    asyncio.run(scene())

    assert reads == [{bob.id: 2, carol.id: 1}, {bob.id: 4}, {bob.id: 1}]
    assert [event.seq for event in backlog.queue] == [1, 2, 3, 4, 5, 6, 7]


def test_a_message_that_all_were_told_of_is_not_read(
    transactional_db: None, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = new_agent(key, "alice")
    outlet = outlet_of(alice, queued=2)
    monkeypatch.setattr(feed, "read_many", lambda *_, **__: pytest.fail("looked"))

    async def scene() -> None:
        tailer = Tailer(uuid.uuid4())
        tailer.add(outlet)
        for seq in (3, 4):
            tailer.hear({alice.id: FeedEvent(alice.id, seq, "msg_told", b"{}")})
        await tailer._read()

    asyncio.run(scene())

    assert [event.seq for event in outlet.queue] == [3, 4]
