"""Long answers: made in a request's thread, kept on disk beyond 1 MiB, and sent as fast as the client reads.

So an answer of any length takes bounded memory, and its thread only while it is made. It begins when it is
complete: its length is known then, and what fails on the way is an error and no shorter answer.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from hub.api.response import Send

MEMORY_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024


class ClientWatch:
    """Knows whether the client of a request has left; it looks from when it is first told to.

    Attributes:
        has_left: as far as that was watched.
    """

    __slots__ = ("_is_closed", "_loop", "_receive", "_task", "has_left")

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Callable[[], Any]) -> None:
        self.has_left = False
        self._is_closed = False
        self._loop = loop
        self._receive = receive
        self._task: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """Look from now on; callable from any thread."""
        self._loop.call_soon_threadsafe(self._begin)

    def close(self) -> None:
        """Look no longer."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        if self._task is None and not self._is_closed:
            self._task = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_left = True


class Spool:
    """The content of an answer, in memory while it is small and then in a file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115  closed by `__exit__`
        self._bytes = 0

    @classmethod
    def of(cls, parts: Iterable[bytes], client: ClientWatch) -> "Spool":
        """Return what `parts` add up to; after the client has left, no more of them are made."""
        spool = cls()
        try:
            for part in parts:
                spool._file.write(part)
                if spool._bytes <= MEMORY_BYTES < spool._bytes + len(part):
                    client.begin()
                spool._bytes += len(part)
                if client.has_left:
                    break
            spool._file.seek(0)
        except BaseException:
            spool._file.close()
            raise
        return spool

    def __len__(self) -> int:
        return self._bytes

    async def send(self, send: Send, client: ClientWatch) -> None:
        """Send it, the next chunk when the client has taken the one before."""
        if self._bytes > CHUNK_BYTES:
            client.begin()
        left = self._bytes
        while left > 0 and not client.has_left:
            # What is on disk is read by a thread: the disk may be slow, and the loop has others to serve.
            if self._bytes > MEMORY_BYTES:
                chunk = await asyncio.to_thread(self._file.read, CHUNK_BYTES)
            else:
                chunk = self._file.read(CHUNK_BYTES)
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})
        if self._bytes == 0:
            await send({"type": "http.response.body", "body": b""})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
