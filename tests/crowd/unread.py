"""Clients that do not read: what one costs the server, and when the server lets it go."""

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass

from tests.crowd.load import Sent, register_many, senders
from tests.crowd.measurements import Run, loaded
from tests.crowd.observed import ESTABLISHED, Finding, rss_kib, server_socket
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
    """The server's end of the connection, looked at again and again.

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

    async def run(self) -> None:
        """Look until it is closed."""
        while True:
            found = await asyncio.to_thread(server_socket, self.server_port, self.client_port)
            now = time.perf_counter()
            if found is None or found[0] != ESTABLISHED:
                self.closed_after = now - self.progress_at
                return
            if found[1] != self.queued:
                self.queued, self.progress_at = found[1], now
                self.most_queued = max(self.most_queued, self.queued)
            await asyncio.sleep(LOOK_SECONDS)


async def unread(run: Run, crowd: Crowd, messages: int) -> list[Finding]:
    """Send big messages to streams that are read and then to as many that are not."""
    sessions = await register_many(run.base, run.key, 2 * CLIENTS, at_once=1)
    readers, silent = sessions[:CLIENTS], sessions[CLIENTS:]
    control = run.crowd()
    await control.join(readers)
    _, before_p99, _ = await _with_big_messages(run, crowd, readers, messages)
    control.leave()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(_client()) for _ in silent]
        for client, session in zip(clients, silent, strict=True):
            await _open(client, crowd, session)
        watches = [Watch(crowd.port, client.getsockname()[1]) for client in clients]
        watching = asyncio.gather(*(watch.run() for watch in watches))
        rss = rss_kib(run.pid)
        others, p99, most = await _with_big_messages(run, crowd, silent, messages)
        held = rss_kib(run.pid) - rss
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watching, WATCHED_SECONDS)
        ended = [await _ends(client) for client in clients]
    name, (soonest, latest) = "not read", CLOSED_SECONDS
    closed_after = sorted(watch.closed_after for watch in watches)
    queued = max(watch.most_queued for watch in watches)
    return [
        Finding(name, "clients", CLIENTS, ""),
        Finding(name, "server's memory more, for each", held / CLIENTS, "KiB", HELD_KIB),
        Finding(name, "server's memory more, all, at most", most - rss, "KiB"),
        Finding(name, "kernel's send queue, at most", queued / 1024, "KiB"),
        Finding(name, "closed without progress, soonest after", closed_after[0], "s", at_least=soonest),
        Finding(name, "closed without progress, latest after", closed_after[-1], "s", latest),
        Finding(name, "the clients see the end", sum(ended), "", at_least=CLIENTS),
        *others,
        Finding(name, "the others' p99 before", before_p99, "ms", note="big messages to as many that read"),
        Finding(name, "the others' p99 meanwhile", p99, "ms"),
    ]


async def _with_big_messages(
    run: Run, crowd: Crowd, recipients: list[str], messages: int
) -> tuple[list[Finding], float, int]:
    """Send at the rate to the crowd, big messages to some; return findings, p99 (ms), peak memory (KiB)."""
    most = 0

    async def look() -> None:
        nonlocal most
        while True:
            most = max(most, rss_kib(run.pid))
            await asyncio.sleep(0.1)

    looking = asyncio.create_task(look())
    async with senders(run.base, run.key, 1) as load:
        others = asyncio.create_task(loaded(run, crowd, "others"))
        for i in range(messages):
            await load.send(0, recipients[i % len(recipients)], Sent(), "x" * BIG_BYTES)
        found, p99 = await others
    looking.cancel()
    return found, p99, most


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
