"""Who waits holds neither a thread nor a database connection, however many wait, and nothing afterwards."""

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from django.db import connection

from hub.live.stream import StreamConsumer
from hub.messages.models import Ping
from hub.sessions.presence import OpenStream
from tests.bench.client import Connection
from tests.cast import new_agent
from tests.live.client import WireAgent
from tests.waiting import wait_until

FEW, MANY = 10, 100
# The pools of the live half start their threads, with a connection each, when they first need them.
POOLED = 4


def held() -> tuple[int, int]:
    """Return the threads of this process, in which the server runs, and its database connections."""
    if connection.vendor != "postgresql":
        return threading.active_count(), 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return threading.active_count(), cursor.fetchone()[0]


async def waits(count: Callable[[], int], wanted: int) -> None:
    """Return once so many wait."""
    async with asyncio.timeout(30):
        while count() != wanted:
            await asyncio.sleep(0.02)


async def held_while(
    begin: Callable[[AsyncExitStack, int], Awaitable[None]], count: Callable[[], int]
) -> list[tuple[int, int]]:
    """Return what is held while few wait, and then while many do."""
    found = []
    async with AsyncExitStack() as stack:
        for already, wanted in ((0, FEW), (FEW, MANY)):
            await asyncio.gather(*(begin(stack, number) for number in range(already, wanted)))
            await waits(count, wanted)
            found.append(held())
    return found


def assert_no_more(few: tuple[int, int], many: tuple[int, int]) -> None:
    """Ninety more hold nothing of their own."""
    assert many[0] <= few[0] + POOLED
    assert many[1] <= few[1] + POOLED


@pytest.fixture
def at_ease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test look at the database from its one loop, which waits for nobody."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.mark.usefixtures("at_ease")
def test_streams_hold_nothing(server: str, key: str) -> None:
    agents = [new_agent(key, f"agent-{number}") for number in range(MANY)]

    async def begin(stack: AsyncExitStack, number: int) -> None:
        opened = Connection(server)
        await opened.open()
        stack.callback(opened.writer.close)
        opened.write("GET", "/api/v1/messages/stream", key, X_AISP_Session=agents[number].id)
        assert b" 200 " in await opened.reader.readuntil(b"\r\n\r\n")

    few, many = asyncio.run(held_while(begin, OpenStream.objects.count))

    assert_no_more(few, many)


@pytest.mark.usefixtures("at_ease")
def test_pings_that_wait_hold_nothing_and_others_are_served(
    server: str, key: str, alice: WireAgent, bob: WireAgent
) -> None:
    async def begin(stack: AsyncExitStack, number: int) -> None:
        opened = Connection(server)
        await opened.open()
        stack.callback(opened.writer.close)
        opened.write("POST", f"/api/v1/sessions/{bob.id}/ping", key, X_AISP_Session=alice.id)

    few, many = asyncio.run(held_while(begin, Ping.objects.count))

    assert_no_more(few, many)
    assert alice.get("/sessions").status_code == 200


def test_a_stream_that_ended_is_forgotten(bob: WireAgent) -> None:
    def consumers() -> int:
        return sum(issubclass(type(each), StreamConsumer) for each in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = consumers()
        with bob.stream():
            assert consumers() == before + 1
        wait_until(lambda: consumers() == before)
    finally:
        gc.enable()
