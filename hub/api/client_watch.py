"""Noticing that a client leaves while its answer is made or sent."""

import asyncio
from collections.abc import Callable
from typing import Any


class ClientWatch:
    """Knows whether the client of a request has left, from when it is told to watch.

    Watching costs a task, so only answers that take long are watched.

    Attributes:
        has_left: whether nobody waits for more of the answer: the client was seen to leave, which it is not
            before `begin`, or the answer is over.
    """

    __slots__ = ("_is_closed", "_loop", "_receive", "_task", "has_left")

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Callable[[], Any]) -> None:
        self.has_left = False
        self._is_closed = False
        self._loop = loop
        self._receive = receive
        self._task: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """Watch from now on; callable from any thread."""
        self._loop.call_soon_threadsafe(self._begin)

    def close(self) -> None:
        """Stop watching: the answer is over. A thread that still makes some of it learns that it may stop."""
        self._is_closed = self.has_left = True
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        if self._task is None and not self._is_closed:
            self._task = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_left = True
