"""The client that does not read: what it costs the server, and when the server lets it go."""

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass

from tests.crowd.load import Sent, register_many, senders
from tests.crowd.measurements import Run, loaded
from tests.crowd.observed import ESTABLISHED, Finding, rss_kib, server_socket
from tests.crowd.streams import Crowd

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
    """Send big messages to a stream that is read and then to one that is not."""
    reader, silent = await register_many(run.base, run.key, 2, at_once=1)
    control = run.crowd()
    await control.join([reader])
    _, before_p99, _ = await _with_big_messages(run, crowd, reader, messages)
    control.leave()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, (crowd.host, crowd.port))
        await loop.sock_sendall(client, crowd.head(silent))
        assert b" 200 " in await loop.sock_recv(client, 1024)
        watch = Watch(crowd.port, client.getsockname()[1])
        watching = asyncio.create_task(watch.run())
        rss = rss_kib(run.pid)
        others, p99, most = await _with_big_messages(run, crowd, silent, messages)
        held = rss_kib(run.pid) - rss
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watching, WATCHED_SECONDS)
        ended = await _ends(client)
    name, (soonest, latest) = "not read", CLOSED_SECONDS
    return [
        Finding(name, "server's memory more, messages sent", held, "KiB", HELD_KIB),
        Finding(name, "server's memory more, at most", most - rss, "KiB"),
        Finding(name, "kernel's send queue, at most", watch.most_queued / 1024, "KiB"),
        Finding(name, "closed without progress after", watch.closed_after, "s", latest, soonest),
        Finding(name, "the client sees the end", int(ended), "", at_least=1),
        *others,
        Finding(name, "the others' p99 before", before_p99, "ms", note="big messages to one that reads"),
        Finding(name, "the others' p99 meanwhile", p99, "ms"),
    ]


async def _with_big_messages(
    run: Run, crowd: Crowd, recipient: str, messages: int
) -> tuple[list[Finding], float, int]:
    """Send at the rate to the crowd, big messages to one; return findings, p99 (ms), peak memory (KiB)."""
    most = 0

    async def look() -> None:
        nonlocal most
        while True:
            most = max(most, rss_kib(run.pid))
            await asyncio.sleep(0.1)

    looking = asyncio.create_task(look())
    async with senders(run.base, run.key, 1) as load:
        others = asyncio.create_task(loaded(run, crowd, "others"))
        for _ in range(messages):
            await load.send(0, recipient, Sent(), "x" * BIG_BYTES)
        found, p99 = await others
    looking.cancel()
    return found, p99, most


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
