"""A TCP proxy that spreads connections over servers, and cuts them off in the middle when told to."""

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass, field

CHUNK_BYTES = 16_384
# Enough to hit headers, bodies and events alike.
CUT_WITHIN_BYTES = 1500
# SO_LINGER on, for 0 s: closing sends RST.
RESET = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class Link:
    """A client's connection and its other half at a server.

    Attributes:
        cut_after: how many more bytes pass in the direction `cut_upstream` before it is cut; None for never.
    """

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    cut_after: int | None = None
    cut_upstream: bool = False
    with_reset: bool = False

    def allowed(self, size: int, upstream: bool) -> int:
        """Return how many of `size` bytes pass before the cut."""
        if self.cut_after is None or upstream != self.cut_upstream:
            return size
        passed = min(size, self.cut_after)
        self.cut_after -= passed
        return passed

    @property
    def is_cut(self) -> bool:
        """Whether nothing more passes."""
        return self.cut_after == 0

    def close(self) -> None:
        """End both halves, with RST if that was chosen."""
        for writer in (self.client, self.server):
            if self.is_cut and self.with_reset:
                with contextlib.suppress(OSError):
                    sock: socket.socket = writer.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()
            else:
                writer.close()


@dataclass
class Proxy:
    """Listens on a port of its own in front of the servers' ports."""

    servers: list[int]
    random: random.Random
    links: set[Link] = field(default_factory=set)
    cutting: bool = False
    port: int = 0

    async def start(self) -> None:
        """Begin to listen."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End all connections."""
        self._listener.close()
        for link in list(self.links):
            link.client.transport.abort()
            link.server.transport.abort()
        while self.links:  # each leaves when it has noticed
            await asyncio.sleep(0.01)

    def cut_some(self) -> int:
        """Choose half of the open connections to be cut after a few bytes; return how many."""
        chosen = [link for link in self.links if self.random.random() < 0.5]
        for link in chosen:
            self._doom(link)
        return len(chosen)

    def _doom(self, link: Link) -> None:
        link.cut_upstream = self.random.random() < 0.4
        link.with_reset = self.random.random() < 0.5
        link.cut_after = self.random.randint(1, CUT_WITHIN_BYTES)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for port in self.random.sample(self.servers, len(self.servers)):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await self._connect()
        if server is None:
            writer.close()
            return
        link = Link(writer, server[1])
        self.links.add(link)
        if self.cutting and self.random.random() < 0.5:
            self._doom(link)
        halves = [
            asyncio.create_task(self._pass_on(link, reader, server[1], upstream=True)),
            asyncio.create_task(self._pass_on(link, server[0], writer, upstream=False)),
        ]
        try:
            await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.links.discard(link)
            for half in halves:
                half.cancel()
            link.close()

    async def _pass_on(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, upstream: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                writer.write(chunk[: link.allowed(len(chunk), upstream)])
                await writer.drain()
                if link.is_cut:
                    await asyncio.sleep(0.01)  # what passed arrives before a reset discards it
                    return
