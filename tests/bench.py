"""`make bench`: how fast one process is on PostgreSQL and Redis, as ratios to floors of the same run.

Sends a second (keep-alive connections, one inbox each, a small payload) stand beside the same server
answering a path that it does not have, which is all of HTTP, threads and Django without the hub, and
beside the send statement alone on as many database connections. The stream's delay is taken from the
moment a send begins until its event has been read.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import django
import msgspec
import psycopg
from psycopg import sql

from tests import servers
from tests.bench_client import Connection, envelope, rate, register
from tests.bench_viewers import beside_viewers
from tests.live.processes import hosted_environment, server_process

KEY_NAME = "bench"
KINDS = {"unlimited": "without limits", "token": "by token", "idempotent": "Idempotency-Key"}
FAR_AWAY = 900_000_000  # requests a minute: each is counted, none refused


@dataclass(frozen=True)
class Keys:
    """The keys of a run."""

    limited: str
    unlimited: str


async def token_of(connection: Connection, key: str, session: str) -> str:
    """Return the Authorization header of a session's token."""
    body = msgspec.json.encode({"ttl_seconds": 3600})
    status, content = await connection.call("POST", f"/api/v1/sessions/{session}/token", key, body)
    assert status == 200, content
    return f"Bearer {msgspec.json.decode(content)['token']}"


async def sends(base: str, keys: Keys, seconds: float, clients: int) -> dict[str, float]:
    """Return how often a second each kind of request gets through, all in turns of a second.

    `unlimited`: sends by a key without limits; `limited`: by one that is counted; `token`: counted, by the
    session's token; `idempotent`: counted, each with an Idempotency-Key; `nothing`: for an unknown path.
    """
    connections = [Connection(base) for _ in range(clients)]
    for connection in connections:
        await connection.open()
    ids = [await register(connections[0], keys.limited, f"send-{i}") for i in range(clients)]
    own = [await register(connections[0], keys.unlimited, f"free-{i}") for i in range(clients)]
    tokens = [await token_of(connections[0], keys.limited, id_) for id_ in ids]
    bodies = [envelope(ids[i], ids[(i + 1) % clients], text="hello") for i in range(clients)]
    free = [envelope(own[i], own[(i + 1) % clients], text="hello") for i in range(clients)]
    numbers = itertools.count()

    async def send(i: int, key: str, body: bytes, **headers: str) -> None:
        status, content = await connections[i].call("POST", "/api/v1/messages", key, body, **headers)
        assert status == 200, content

    def idempotent(i: int) -> Awaitable[object]:
        return send(i, keys.limited, bodies[i], Idempotency_Key=f"bench-{next(numbers)}")

    kinds: dict[str, Callable[[int], Awaitable[object]]] = {
        "unlimited": lambda i: send(i, keys.unlimited, free[i]),
        "limited": lambda i: send(i, keys.limited, bodies[i]),
        "token": lambda i: send(i, tokens[i], bodies[i]),
        "idempotent": idempotent,
        "nothing": lambda i: connections[i].call("GET", "/api/v1/nothing/here", keys.limited),
    }
    turns: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(max(1, round(seconds))):
        for kind, one in kinds.items():
            turns[kind].append(await rate(1.0, [partial(one, i) for i in range(clients)]))
    return {kind: statistics.median(rates) for kind, rates in turns.items()}


async def statement_rate(url: str, seconds: float, clients: int) -> float:
    """Return how often a second PostgreSQL runs the send statement alone."""
    statement, parameters_of = _send_statement()
    async with contextlib.AsyncExitStack() as stack:
        parameters = await _some_senders(url, clients)
        cursors = []
        for _ in range(clients):
            connection = await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=0)
            await stack.enter_async_context(connection)
            cursors.append(connection.cursor())

        def send(i: int) -> Callable[[], Awaitable[object]]:
            return lambda: cursors[i].execute(statement, parameters_of(*parameters[i]))

        return await rate(seconds, [send(i) for i in range(clients)])


def _send_statement() -> tuple[str, Callable[..., dict[str, Any]]]:
    """Return the statement, and what makes its parameters of realm, key, sender and recipient."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from hub.messages.inbox import Outgoing
    from hub.messages.statements import SEND, send_parameters
    from realms.ids import KEY, REALM, SESSION, id_of

    def parameters_of(realm: Any, key: Any, sender: Any, recipient: Any) -> dict[str, Any]:
        outgoing = Outgoing(
            realm_id=id_of(REALM, realm),
            sender_id=id_of(SESSION, sender),
            recipients=[id_of(SESSION, recipient)],
            category="message",
            payload='{"text":"hello"}',
        )
        return send_parameters(id_of(KEY, key), 1_000_000, outgoing)

    return SEND, parameters_of


async def _some_senders(url: str, clients: int) -> list[Any]:
    query = "SELECT realm_id, key_id, id FROM hub_session WHERE name LIKE 'send-%%' ORDER BY id"
    async with await psycopg.AsyncConnection.connect(url) as connection:
        rows = await (await connection.execute(query)).fetchall()
    return [(*rows[i], rows[(i + 1) % clients][2]) for i in range(clients)]


@contextlib.asynccontextmanager
async def opened_stream(base: str, key: str, session: str) -> AsyncIterator[asyncio.StreamReader]:
    """Open a session's stream and give what comes after its headers."""
    connection = Connection(base)
    await connection.open()
    connection.write("GET", "/api/v1/messages/stream", key, X_AISP_Session=session)
    head = await connection.reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head, head
    try:
        yield connection.reader
    finally:
        connection.writer.close()


async def stream_delays(base: str, key: str, streams: int, count: int, per_second: int) -> list[float]:
    """Return the seconds from each send to its event, with this many streams open."""
    delays: list[float] = []
    sender = Connection(base)
    await sender.open()
    me = await register(sender, key, "stream-sender")
    ids = [await register(sender, key, f"stream-{i}") for i in range(streams)]

    async def read(reader: asyncio.StreamReader) -> None:
        while True:
            line = await reader.readuntil(b"\n")
            if line.startswith(b"data:"):
                sent = float(msgspec.json.decode(line[5:])["payload"]["at"])
                delays.append(time.perf_counter() - sent)

    async with contextlib.AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(opened_stream(base, key, id_)) for id_ in ids]
        tasks = [asyncio.create_task(read(reader)) for reader in readers]
        await asyncio.sleep(1)
        began = time.perf_counter()
        for i in range(count):
            await asyncio.sleep(max(0.0, began + i / per_second - time.perf_counter()))
            body = envelope(me, ids[i % streams], at=time.perf_counter())
            status, content = await sender.call("POST", "/api/v1/messages", key, body)
            assert status == 200, content
        await asyncio.sleep(1)
        for task in tasks:
            task.cancel()
    assert len(delays) == count, f"{count - len(delays)} of {count} messages did not arrive"
    return delays


@contextlib.contextmanager
def database() -> Iterator[str]:
    """Make a database for the run."""
    with contextlib.ExitStack() as stack:
        server = os.environ.get("TEST_DATABASE_URL") or stack.enter_context(servers.postgresql())
        name = f"bench_{secrets.token_hex(4)}"
        admin = urlsplit(server)._replace(path="/postgres").geturl()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def prepare(url: str, redis_url: str) -> Keys:
    """Migrate a database, make a realm in it, and return its keys."""
    environment = hosted_environment(url, redis_url, "http://127.0.0.1")

    def manage(*arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    manage("migrate")
    manage("realm", "create", "default", "--owner", "bench@example.com")
    of = ("--realm", "default", "--owner", "bench@example.com")

    def key(limit: str) -> str:
        limits = ("--reads-per-minute", limit, "--writes-per-minute", limit)
        return manage("apikey", "issue", *of, "--name", KEY_NAME, *limits).strip()

    return Keys(limited=key(str(FAR_AWAY)), unlimited=key("unlimited"))


def main() -> None:
    """Measure, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each rate")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--viewers", type=int, default=10, help="pages of the console that are open")
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--per-second", type=int, default=100)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(database())
        redis_url = os.environ.get("TEST_REDIS_URL") or stack.enter_context(servers.redis())
        keys = prepare(url, redis_url)
        base = stack.enter_context(server_process(url, redis_url))
        rates = asyncio.run(sends(base, keys, options.seconds, options.clients))
        alone = asyncio.run(statement_rate(url, options.seconds, options.clients))
        sent = rates["limited"]
        print(f"sends               {sent:8.0f} /s   {options.clients} clients, by a key with limits")
        for kind, what in KINDS.items():
            more = 1_000_000 / rates[kind] - 1_000_000 / sent
            print(f"  {what:<18}{rates[kind]:8.0f} /s   {more:+.0f} µs a send")
        floors = {"an unknown path": rates["nothing"], "the statement": alone}
        for what, floor in floors.items():
            print(f"  {what:<18}{floor:8.0f} /s   a send costs {floor / sent:.2f} of these")
        unseen, seen = beside_viewers(
            base,
            keys.limited,
            hosted_environment(url, redis_url, base),
            viewers=options.viewers,
            turns=max(1, round(options.seconds / 2)),
            clients=options.clients,
        )
        print(
            f"  {options.viewers} pages open     {seen:8.0f} /s   {seen / unseen:.2f} of those without them"
        )
        delays = asyncio.run(
            stream_delays(base, keys.limited, options.streams, options.messages, options.per_second)
        )
        cuts = statistics.quantiles(delays, n=100)
        print(
            f"send to event       p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms   "
            f"{options.streams} streams, {options.messages} messages at {options.per_second}/s"
        )


if __name__ == "__main__":
    main()
