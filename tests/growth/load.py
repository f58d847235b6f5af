"""Agents at work: sends to anybody and polls of ten, and how long each of them took."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import msgspec

from tests.bench.client import Connection, envelope
from tests.bench.delays import Delays

CLIENTS = 16
POLLED = 10
CAPABILITY = "delegate.receive"
PREFIX = "work.notes"


async def _timed(seconds: float, one: Callable[[Connection], Awaitable[None]], base: str) -> Delays:
    each: list[float] = []
    ends = time.perf_counter() + seconds

    async def client() -> None:
        connection = Connection(base)
        await connection.open()
        while time.perf_counter() < ends:
            began = time.perf_counter()
            await one(connection)
            each.append(time.perf_counter() - began)
        connection.writer.close()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return Delays(each)


async def sends(base: str, key: str, ids: list[str], seconds: float) -> Delays:
    """Send from one to another at random, `CLIENTS` at a time."""

    async def one(connection: Connection) -> None:
        body = envelope(random.choice(ids), random.choice(ids), text="x" * 100)
        status, content = await connection.call("POST", "/api/v1/messages", key, body)
        assert status == 200, content

    return await _timed(seconds, one, base)


async def polls(base: str, key: str, ids: list[str], seconds: float) -> Delays:
    """Poll one inbox after another for `POLLED` messages."""
    turns = iter(range(1_000_000_000))

    async def one(connection: Connection) -> None:
        session = ids[next(turns) % len(ids)]
        path = f"/api/v1/messages?limit={POLLED}"
        status, content = await connection.call("GET", path, key, X_AISP_Session=session)
        assert status == 200, content

    return await _timed(seconds, one, base)


async def delegates(base: str, key: str, ids: list[str], seconds: float) -> Delays:
    """Delegate from the first session to the second."""

    async def one(connection: Connection) -> None:
        status, content = await connection.call("POST", "/api/v1/messages", key, body)
        assert status == 200, content

    members = msgspec.json.decode(envelope(ids[0], ids[1], task="x" * 100))
    body = msgspec.json.encode({**members, "category": "delegate", "capability": CAPABILITY})
    return await _timed(seconds, one, base)


async def reads(base: str, key: str, ids: list[str], seconds: float) -> Delays:
    """Read the entries under `PREFIX` as the first session."""

    async def one(connection: Connection) -> None:
        path = f"/api/v1/memory?namespace={PREFIX}"
        status, content = await connection.call("GET", path, key, X_AISP_Session=ids[0])
        assert status == 200, content

    return await _timed(seconds, one, base)


async def nothing(base: str, key: str, seconds: float) -> Delays:
    """Ask for a path that the hub does not have: what HTTP, threads and Django take."""

    async def one(connection: Connection) -> None:
        status, _ = await connection.call("GET", "/api/v1/nothing/here", key)
        assert status == 404

    return await _timed(seconds, one, base)
