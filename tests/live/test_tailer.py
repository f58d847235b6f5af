"""The tailer, with a stream that opens at the one moment that matters."""

import asyncio
import uuid
from typing import Any

import pytest

from hub.live.outlet import Outlet
from hub.live.tailer import Tailer
from hub.messages import feed
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
        tailer = Tailer()

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
