"""Responses of what answers by ASGI itself, before Django or beside it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hub.api.cors import cors_headers
from hub.api.limits import address_headers
from hub.api.problems import problem_body, problem_headers
from hub.api.request_id import HEADER, request_id_from
from realms.refusal import Refusal

CLIENT_LEFT = 499  # nginx's, for what nobody waited for; never sent
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Response:
    """The answer to a request, which carries the request id, the CORS headers, and how limits stand.

    Attributes:
        request_id: the client's own, or a new one.
        address: the client's.
        limit_headers: how the limits of the key behind the request stand; empty until that is known.
        started: the status line and the headers are sent.
        status: its status code; that of a client which left before, until there is one.
        code: of the problem that it is.
    """

    def __init__(self, send: Send, request_headers: Mapping[str, str], address: str) -> None:
        self._send = send
        self.address = address
        self.limit_headers: Mapping[str, str] = {}
        self._origin = request_headers.get("origin")
        self.request_id = request_id_from(request_headers.get(HEADER.lower()))
        self.started = False
        self.status = CLIENT_LEFT
        self.code: str | None = None

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and the headers."""
        self.started, self.status = True, status
        if "RateLimit" not in headers and not self.limit_headers:
            self.limit_headers = await asyncio.to_thread(address_headers, self.address)
        answer = {HEADER: self.request_id, **cors_headers(self._origin), **self.limit_headers, **headers}
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

    async def refuse(self, refusal: Refusal, *, more: bool = False) -> None:
        """Send a problem; with `more`, leave its end to the caller."""
        self.code = refusal.code
        content = problem_body(refusal, self.request_id)
        await self.send(refusal.status, problem_headers(refusal), content, more=more)
