"""`make bench`: how fast one process is on PostgreSQL and Redis, as ratios to floors of the same run.

Sends a second (keep-alive connections, one inbox each, a small payload) stand beside the same server
answering a path that it does not have, which is all of HTTP, threads and Django without the hub, and
beside the send statement alone on as many database connections. The stream's delay is taken from the
moment a send begins until its event has been read.
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import django
import msgspec
import psycopg
from psycopg import sql

from tests import servers
from tests.live.processes import hosted_environment, server_process

KEY_NAME = "bench"


class Connection:
    """A keep-alive HTTP connection that does no more than it must."""

    def __init__(self, base: str) -> None:
        self.parts = urlsplit(base)

    async def open(self) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection(self.parts.hostname, self.parts.port)

    def write(self, method: str, path: str, key: str, body: bytes = b"", extra: str = "") -> None:
        """Send a request."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self.parts.netloc}\r\nX-AISP-Key: {key}\r\n{extra}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)

    async def call(self, method: str, path: str, key: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request and return status and body."""
        self.write(method, path, key, body)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if b"transfer-encoding: chunked" in head.lower():
            content = b""
            while size := int(await self.reader.readline(), 16):
                content += await self.reader.readexactly(size)
                await self.reader.readline()
            await self.reader.readline()
            return int(head.split(b" ")[1]), content
        return int(head.split(b" ")[1]), await self.reader.readexactly(length)


async def register(connection: Connection, key: str, name: str) -> str:
    """Register a session and return its id."""
    body = msgspec.json.encode({"name": name, "kind": "service"})
    status, content = await connection.call("POST", "/api/v1/sessions", key, body)
    assert status == 200, content
    return str(msgspec.json.decode(content)["id"])


def envelope(sender: str, recipient: str, **payload: Any) -> bytes:
    """Return the body of a send."""
    members = {"aisp": "0.1", "from": sender, "to": recipient, "category": "message", "payload": payload}
    return msgspec.json.encode(members)


async def rate(seconds: float, clients: list[Callable[[], Awaitable[object]]]) -> float:
    """Return how often a second the clients together get through, each as fast as it can."""
    count = 0
    ends = time.perf_counter() + seconds

    async def run(client: Callable[[], Awaitable[object]]) -> None:
        nonlocal count
        while time.perf_counter() < ends:
            await client()
            count += 1

    began = time.perf_counter()
    await asyncio.gather(*map(run, clients))
    return count / (time.perf_counter() - began)


async def sends(base: str, key: str, seconds: float, clients: int) -> tuple[float, float]:
    """Return sends a second, and requests a second for a path that is not there."""
    connections = [Connection(base) for _ in range(clients)]
    for connection in connections:
        await connection.open()
    ids = [await register(connections[0], key, f"send-{i}") for i in range(clients)]
    bodies = [envelope(ids[i], ids[(i + 1) % clients], text="hello") for i in range(clients)]

    def send(i: int) -> Callable[[], Awaitable[object]]:
        async def one() -> None:
            status, content = await connections[i].call("POST", "/api/v1/messages", key, bodies[i])
            assert status == 200, content

        return one

    def nothing(i: int) -> Callable[[], Awaitable[object]]:
        return lambda: connections[i].call("GET", "/api/v1/nothing/here", key)

    await rate(0.5, [send(i) for i in range(clients)])
    floor = await rate(seconds, [nothing(i) for i in range(clients)])
    return await rate(seconds, [send(i) for i in range(clients)]), floor


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
    connection.write("GET", "/api/v1/messages/stream", key, extra=f"X-AISP-Session: {session}\r\n")
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


def prepare(url: str, redis_url: str) -> str:
    """Migrate a database, make a realm in it, and return a key."""
    environment = hosted_environment(url, redis_url, "http://127.0.0.1")

    def manage(*arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    manage("migrate")
    manage("realm", "create", "default", "--owner", "bench@example.com")
    of = ("--realm", "default", "--owner", "bench@example.com")
    return manage(
        "apikey", "issue", *of, "--name", KEY_NAME,
        "--reads-per-minute", "unlimited", "--writes-per-minute", "unlimited",
    ).strip()  # fmt: skip


def main() -> None:
    """Measure, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each rate")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--per-second", type=int, default=100)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(database())
        redis_url = os.environ.get("TEST_REDIS_URL") or stack.enter_context(servers.redis())
        key = prepare(url, redis_url)
        base = stack.enter_context(server_process(url, redis_url))
        sent, floor = asyncio.run(sends(base, key, options.seconds, options.clients))
        alone = asyncio.run(statement_rate(url, options.seconds, options.clients))
        print(f"sends               {sent:8.0f} /s   {options.clients} clients")
        print(f"  an unknown path   {floor:8.0f} /s   a send costs {floor / sent:.2f} of these")
        print(f"  the statement     {alone:8.0f} /s   a send costs {alone / sent:.2f} of these")
        delays = asyncio.run(stream_delays(base, key, options.streams, options.messages, options.per_second))
        cuts = statistics.quantiles(delays, n=100)
        print(
            f"send to event       p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms   "
            f"{options.streams} streams, {options.messages} messages at {options.per_second}/s"
        )


if __name__ == "__main__":
    main()
