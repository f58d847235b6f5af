"""Wake-ups are hints: without them everything arrives, a little later."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hub import bell
from hub.bell import Bell, News
from hub.live import pong_watch
from hub.messages import pings
from tests import servers
from tests.cast import new_agent
from tests.live.client import StreamReader, WireAgent
from tests.live.processes import server_process
from tests.live.test_two_processes import database_url
from tests.waiting import wait_until

FOUND_WITHIN_SECONDS = 2.0
SLACK_SECONDS = 0.5  # for the requests themselves


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ring is dropped."""

    def drop(self: Bell, news: News, *, elsewhere: Collection[str]) -> None:
        """Carry nothing."""

    monkeypatch.setattr(Bell, "tell", drop)


@pytest.mark.usefixtures("deaf")
def test_messages_arrive_within_two_seconds(alice: WireAgent, bob: WireAgent) -> None:
    with bob.stream() as stream, alice.stream() as other:
        for _ in range(3):
            began = time.monotonic()
            sent = alice.send(bob.id)
            assert stream.messages(1) == [sent]
            assert time.monotonic() - began < FOUND_WITHIN_SECONDS + SLACK_SECONDS
        answer = bob.send(alice.id)
        assert other.messages(1) == [answer]


@pytest.mark.usefixtures("deaf")
def test_a_pong_is_found_within_two_seconds(alice: WireAgent, bob: WireAgent) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(alice.post, f"/sessions/{bob.id}/ping", {"nonce": "n"})
        wait_until(lambda: bool(bob.get("/messages").json()["messages"]))
        began = time.monotonic()
        bob.send(alice.id, "pong", payload={"nonce": "n"})
        assert answer.result().status_code == 200
    assert time.monotonic() - began < FOUND_WITHIN_SECONDS + SLACK_SECONDS


@pytest.mark.usefixtures("deaf")
def test_a_pong_that_no_look_found_is_found_at_the_end(
    alice: WireAgent, bob: WireAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pong_watch, "LOOK_AGAIN_SECONDS", 60)
    monkeypatch.setattr(pings, "PING_TIMEOUT_SECONDS", 2)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(alice.post, f"/sessions/{bob.id}/ping", {"nonce": "n"})
        wait_until(lambda: bool(bob.get("/messages").json()["messages"]))
        bob.send(alice.id, "pong", payload={"nonce": "n"})
        assert answer.result().status_code == 200


def test_a_ring_that_redis_does_not_take_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    class Layer:
        """Never takes the first message."""

        def __init__(self) -> None:
            self.taken: asyncio.Queue[list[str]] = asyncio.Queue()
            self.is_first = True

        async def group_send(self, group: str, message: dict[str, Any]) -> None:
            if self.is_first:
                self.is_first = False
                await asyncio.Event().wait()
            await self.taken.put(message["names"])

    async def ring() -> list[str]:
        layer, own_bell = Layer(), Bell()
        monkeypatch.setattr(bell, "get_channel_layer", lambda: layer)
        own_bell.adopt(asyncio.get_running_loop(), lambda news: None)
        own_bell.ring(["one"])
        while layer.is_first:
            await asyncio.sleep(0)
        own_bell.ring(["two"])
        async with asyncio.timeout(10):
            return await layer.taken.get()

    monkeypatch.setattr(bell, "PUBLISH_SECONDS", 0.05)
    assert asyncio.run(ring()) == ["two"]


@contextlib.contextmanager
def _two_processes(redis: servers.Redis, key: str) -> Iterator[tuple[WireAgent, WireAgent, StreamReader]]:
    """Alice, who calls one process, and bob, who calls another and has a stream open there."""
    url = database_url()
    with (
        server_process(url, redis.url) as one,
        server_process(url, redis.url) as other,
        WireAgent(one, new_agent(key, "alice")) as alice,
        WireAgent(other, new_agent(key, "bob")) as bob,
        bob.stream() as stream,
    ):
        yield alice, bob, stream


@pytest.fixture
def redis_server() -> Iterator[servers.Redis]:
    """A Redis that may be taken down."""
    with servers.running(servers.Redis) as server:
        yield server


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("silent", [False, True], ids=["gone", "silent"])
def test_without_redis_all_goes_on_and_with_it_again_at_once(
    redis_server: servers.Redis, key: str, silent: bool
) -> None:
    with _two_processes(redis_server, key) as (alice, bob, stream):
        assert _seconds_to_arrive(alice, bob, stream.messages) < FOUND_WITHIN_SECONDS
        with _down(redis_server, silent=silent):
            for _ in range(3):
                assert _seconds_to_arrive(alice, bob, stream.messages) < FOUND_WITHIN_SECONDS + SLACK_SECONDS
            waiting = bob.send(alice.id)
            assert [message["id"] for message in alice.get("/messages").json()["messages"]] == [waiting]
            assert "RateLimit" in alice.get("/sessions").headers

        wait_until(lambda: _rings(alice, bob, stream), seconds=20)


@pytest.mark.postgres
@pytest.mark.redis
def test_a_process_that_began_without_redis_hears_it_when_it_is_there(
    redis_server: servers.Redis, key: str
) -> None:
    redis_server.end(signal.SIGKILL)
    with _two_processes(redis_server, key) as (alice, bob, stream):
        redis_server.start()
        wait_until(lambda: _rings(alice, bob, stream), seconds=20)


def _rings(alice: WireAgent, bob: WireAgent, stream: StreamReader) -> bool:
    """Tell whether messages arrive sooner than by looking."""
    return max(_seconds_to_arrive(alice, bob, stream.messages) for _ in range(5)) < 0.3


def _seconds_to_arrive(alice: WireAgent, bob: WireAgent, messages: Callable[[int], list[str]]) -> float:
    began = time.monotonic()
    sent = alice.send(bob.id)
    assert messages(1) == [sent]
    return time.monotonic() - began


@contextlib.contextmanager
def _down(server: servers.Redis, *, silent: bool) -> Iterator[None]:
    """Take a server down, or stop it so that it says nothing."""
    if silent:
        with _stopped(server):
            yield
        return
    server.end(signal.SIGKILL)
    yield
    server.start()


@contextlib.contextmanager
def _stopped(server: servers.Redis) -> Iterator[None]:
    for pid in server.pids():
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in server.pids():
            os.kill(pid, signal.SIGCONT)
