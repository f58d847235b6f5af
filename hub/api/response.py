"""Answers of whatever speaks ASGI itself: the intake and the live consumers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hub.api.exchange import CLIENT_LEFT, Exchange

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Response:
    """The answer to the request of an exchange, sent piece by piece.

    Attributes:
        status: the status code that was sent; `CLIENT_LEFT` before.
    """

    def __init__(self, send: Send, exchange: Exchange) -> None:
        self._send = send
        self._exchange = exchange
        self.status = CLIENT_LEFT

    @property
    def started(self) -> bool:
        """Whether the status line and the headers are sent."""
        return self.status != CLIENT_LEFT

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and the headers."""
        answer = dict(headers)
        if self._exchange.needs_lookup(answer):
            await asyncio.to_thread(self._exchange.complete, answer)
        else:
            self._exchange.complete(answer)
        self.status = status
        raw = [(name.encode(), value.encode("latin-1")) for name, value in answer.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, content: bytes, *, more: bool) -> None:
        """Send a piece of the body; `more` of it follows or not."""
        await self._send({"type": "http.response.body", "body": content, "more_body": more})

    async def send(
        self, status: int, headers: Mapping[str, str], content: bytes = b"", *, more: bool = False
    ) -> None:
        """Send all of an answer; with `more`, leave its end to the caller."""
        await self.start(status, {**headers, "Content-Length": str(len(content))})
        await self.write(content, more=more)

    async def refuse(self, error: Exception, *, more: bool = False) -> None:
        """Send the problem that `error` is; with `more`, leave the end of the answer to the caller."""
        problem = self._exchange.problem(error)
        await self.send(problem.status, problem.headers, problem.content, more=more)
