"""Clients that do not read: what one costs the server, and when the server lets it go."""

import asyncio
import contextlib
import math
import socket
import time
from dataclasses import dataclass

from tests.crowd.load import Sent, register_many, senders
from tests.crowd.measurements import Run, loaded
from tests.crowd.observed import ESTABLISHED, Finding, rss_kib, server_socket, tcp_table
from tests.crowd.streams import Crowd

CLIENTS = 10  # enough for what one costs to stand out from what the allocator keeps
BIG_BYTES = 200 * 1024
RECEIVE_BUFFER_BYTES = 4096
LOOK_SECONDS = 0.5
CLOSED_SECONDS = (27.0, 33.0)  # without progress
WATCHED_SECONDS = 60.0
HELD_KIB = 1024.0


@dataclass
class Watch:
    """The server's end of a connection.

    Attributes:
        progress_at: when its send queue last changed, in `time.perf_counter` seconds.
        closed_after: seconds from there until it was closed; infinite if it was not.
    """

    server_port: int
    client_port: int
    most_queued: int = 0
    queued: int = -1
    progress_at: float = 0.0
    closed_after: float = float("inf")

    def look(self, table: str) -> None:
        """Note how it stands in the kernel's table."""
        found, now = server_socket(table, self.server_port, self.client_port), time.perf_counter()
        if found is None or found[0] != ESTABLISHED:
            self.closed_after = now - self.progress_at
        elif found[1] != self.queued:
            self.queued, self.progress_at = found[1], now
            self.most_queued = max(self.most_queued, self.queued)


async def watch_until_closed(watches: list[Watch]) -> None:
    """Look at all of them again and again, as long as one is open."""
    while opened := [watch for watch in watches if math.isinf(watch.closed_after)]:
        table = await asyncio.to_thread(tcp_table)
        for watch in opened:
            watch.look(table)
        await asyncio.sleep(LOOK_SECONDS)


async def unread(run: Run, crowd: Crowd, messages: int) -> list[Finding]:
    """Send big messages to streams that are not read, and to all others at the rate while those hang."""
    sessions = await register_many(run.base, run.key, 2 * CLIENTS, at_once=1)
    readers, silent = sessions[:CLIENTS], sessions[CLIENTS:]
    control = run.crowd()
    await control.join(readers)
    await _send_big_messages(run, readers, messages)  # what big messages take by themselves is taken
    control.leave()
    _, before_p99 = await loaded(run, crowd, "others")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(_client()) for _ in silent]
        rss = rss_kib(run.pid)
        for client, session in zip(clients, silent, strict=True):
            await _open(client, crowd, session)
        watches = [Watch(crowd.port, client.getsockname()[1]) for client in clients]
        watching = asyncio.create_task(watch_until_closed(watches))
        await _send_big_messages(run, silent, messages)
        held = rss_kib(run.pid) - rss
        others, p99 = await loaded(run, crowd, "others")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watching, WATCHED_SECONDS)
        ended = [await _ends(client) for client in clients]
    name, (soonest, latest) = "not read", CLOSED_SECONDS
    closed_after = sorted(watch.closed_after for watch in watches)
    queued = max(watch.most_queued for watch in watches)
    return [
        Finding(name, "clients", CLIENTS, ""),
        Finding(name, "server's memory more, for each", held / CLIENTS, "KiB", HELD_KIB),
        Finding(name, "kernel's send queue, at most", queued / 1024, "KiB"),
        Finding(name, "closed without progress, soonest after", closed_after[0], "s", at_least=soonest),
        Finding(name, "closed without progress, latest after", closed_after[-1], "s", latest),
        Finding(name, "the clients see the end", sum(ended), "", at_least=CLIENTS),
        *others,
        Finding(name, "the others' p99 before", before_p99, "ms"),
        Finding(name, "the others' p99 meanwhile", p99, "ms"),
    ]


async def _send_big_messages(run: Run, recipients: list[str], messages: int) -> None:
    async with senders(run.base, run.key, 1) as load:
        for i in range(messages):
            await load.send(0, recipients[i % len(recipients)], Sent(), "x" * BIG_BYTES)


def _client() -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    client.setblocking(False)
    return client


async def _open(client: socket.socket, crowd: Crowd, session: str) -> None:
    """Open a stream, and read no more than its beginning."""
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (crowd.host, crowd.port))
    await loop.sock_sendall(client, crowd.head(session))
    assert b" 200 " in await loop.sock_recv(client, 1024)


async def _ends(client: socket.socket) -> bool:
    """Read on, and tell whether the connection ends."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(10):
            while await loop.sock_recv(client, 65536):
                pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True
