"""Wake-ups are hints: without them everything arrives, a little later."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.bell import Bell
from tests import servers
from tests.cast import new_agent
from tests.live.client import WireAgent
from tests.live.processes import server_process
from tests.live.test_two_processes import database_url
from tests.waiting import wait_until

FOUND_WITHIN_SECONDS = 2.0
SLACK_SECONDS = 0.5  # for the requests themselves


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ring is dropped."""

    def drop(self: Bell, names: Iterable[str]) -> None:
        """Carry nothing."""

    monkeypatch.setattr(Bell, "ring", drop)


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
    url, redis_url = database_url(), redis_server.url
    with (
        server_process(url, redis_url) as one,
        server_process(url, redis_url) as other,
        WireAgent(one, new_agent(key, "alice")) as alice,
        WireAgent(other, new_agent(key, "bob")) as bob,
        bob.stream() as stream,
    ):
        assert _seconds_to_arrive(alice, bob, stream.messages) < FOUND_WITHIN_SECONDS
        with _down(redis_server, silent=silent):
            for _ in range(3):
                assert _seconds_to_arrive(alice, bob, stream.messages) < FOUND_WITHIN_SECONDS + SLACK_SECONDS
            waiting = bob.send(alice.id)
            assert [message["id"] for message in alice.get("/messages").json()["messages"]] == [waiting]
            assert "RateLimit" in alice.get("/sessions").headers

        def rings_again() -> bool:
            return max(_seconds_to_arrive(alice, bob, stream.messages) for _ in range(5)) < 0.3

        wait_until(rings_again, seconds=20)


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
