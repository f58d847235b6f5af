"""A message that is sent where its recipient has a stream open comes to it without a look at the database."""

import asyncio
import json
from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from hub import bell as bell_module
from hub.bell import Bell, News, bell
from hub.messages import feed, statements
from hub.messages.feed_event import CARRIED_BYTES
from hub.messages.rules import news_of
from realms.ids import MESSAGE, new_id
from tests.live.client import WireAgent
from tests.messages.world import World, new_world

JUST_CARRIED = json.dumps("x" * (CARRIED_BYTES - 2))
WIDE = json.dumps("€" * (CARRIED_BYTES // 2), ensure_ascii=False)  # large in octets alone
SENT: dict[str, dict[str, Any]] = {
    "a message": {},
    "an answer that expires": {
        "reply_to": new_id(MESSAGE),
        "expires_at": timezone.now() + timedelta(hours=1, microseconds=1),
    },
    "a signed one": {"envelope": '{"from":"x","sig":"ed25519:y"}'},
    "one in other letters": {"payload": '{"x":"€"}'},
    "as large as may be": {"payload": JUST_CARRIED},
}

Told = list[tuple[News, Collection[str]]]


@pytest.fixture
def world(db: None) -> World:
    """A realm with streams: bob's are here, carol's here and in another process, dora's only there."""
    world = new_world("one")
    world.streams(world.bob, world.carol, process_id=bell.process_id)
    world.streams(world.carol, world.dora)
    return world


@pytest.mark.postgres
def test_other_processes_hear_of_the_streams_that_they_hold(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    told: Told = []
    monkeypatch.setattr(bell, "tell", lambda news, *, elsewhere: told.append((news, elsewhere)))

    with django_capture_on_commit_callbacks(execute=True):
        world.alice.send([world.bob, world.carol, world.dora])
        world.alice.send(world.bob)
        world.alice.send(world.alice)

    (to_all, elsewhere), (to_bob, nowhere) = told
    assert to_all.keys() == {world.bob.id, world.carol.id, world.dora.id}
    assert set(elsewhere) == {world.carol.id, world.dora.id}
    assert to_bob.keys() == {world.bob.id}
    assert list(nowhere) == []


@pytest.mark.postgres
@pytest.mark.parametrize("members", SENT.values(), ids=SENT.keys())
def test_what_is_told_is_what_a_look_finds(world: World, members: dict[str, Any]) -> None:
    assert statements.send(world.caller, world.outgoing(world.bob)) is not None
    outgoing = world.outgoing(world.bob, world.alice, world.carol, **members)

    posted = statements.send(world.caller, outgoing)

    assert posted is not None
    found = feed.read_many({world.bob.id: 1, world.carol.id: 0}, each=9)
    assert news_of(outgoing, posted) == {session_id: event for session_id, [event] in found.items()}
    assert len(found) == 2


@pytest.mark.postgres
def test_a_large_message_is_left_to_be_read(world: World) -> None:
    outgoing = world.outgoing(world.bob, payload=WIDE)

    posted = statements.send(world.caller, outgoing)

    assert posted is not None
    assert news_of(outgoing, posted) == {world.bob.id: None}


def test_the_bell_tells_here_what_is_new_and_elsewhere_for_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    class Layer:
        """Notes what other processes are told."""

        names: list[str]

        async def group_send(self, group: str, message: dict[str, Any]) -> None:
            self.names = message["names"]

    async def ring() -> tuple[list[News], list[str]]:
        own_bell, layer = Bell(), Layer()
        heard: list[News] = []
        monkeypatch.setattr(bell_module, "get_channel_layer", lambda: layer)
        own_bell.adopt(asyncio.get_running_loop(), heard.append)
        own_bell.tell({"one": "first", "two": "first"}, elsewhere=["two"])
        own_bell.tell({"one": "second"}, elsewhere=[])
        own_bell.ring(["three"])
        await asyncio.sleep(0)
        own_bell.tell({"one": "third"}, elsewhere=[])
        async with asyncio.timeout(10):
            while len(heard) < 2 or not hasattr(layer, "names"):
                await asyncio.sleep(0)
        return heard, layer.names

    heard, names = asyncio.run(ring())

    # Of two things that are new with "one" it tells neither: whoever listens looks.
    assert heard == [{"one": None, "two": "first", "three": None}, {"one": "third"}]
    assert names == ["three", "two"]


@pytest.mark.postgres
def test_messages_come_to_a_stream_while_nothing_can_be_read(
    alice: WireAgent, bob: WireAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **options: Any) -> Any:
        raise OperationalError("cannot be read")

    with bob.stream() as stream:
        first = alice.send(bob.id)
        assert stream.messages(1) == [first]
        stream.is_quiet(0.5)  # a stream that has just opened looks once more
        with monkeypatch.context() as unreadable:
            unreadable.setattr(feed, "read_many", fail)
            for _ in range(3):
                sent = alice.send(bob.id)
                assert stream.messages(1) == [sent]
        large = alice.send(bob.id, payload={"text": WIDE})
        small = alice.send(bob.id)
        assert stream.messages(2) == [large, small]
