"""Intake (ASGI): a request's body is read whole, in bounds and in time, before it gets a thread.

A slow or endless body thus costs a coroutine and never one of the few threads that run Django, and a body
without Content-Length reaches Django with one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hub.api.body import limit_of, too_large
from hub.api.cors import cors_headers
from hub.api.problems import problem_body, problem_headers
from hub.api.request_id import HEADER, request_id_from
from realms.refusal import Refusal, refusal_at

BODY_TIMEOUT_SECONDS = 10.0

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class ClientLeft(Exception):
    """The client closed the connection before its request was whole."""


def headers_of(scope: Scope) -> dict[str, str]:
    """Return a request's headers, names in lower case, repeated ones joined (RFC 9110 §5.3)."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


async def read_whole_body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """Return the body of a request.

    Raises:
        Refusal: `body_too_large` (by Content-Length before anything is read), `request_timeout`.
        ClientLeft: there is nobody to answer.
    """
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise too_large(limit)
    if not length and "transfer-encoding" not in headers:
        return b""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientLeft
                body += message.get("body", b"")
                if len(body) > limit:
                    raise too_large(limit)
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        raise Refusal("request_timeout") from None


async def send_problem(send: Send, headers: Mapping[str, str], refusal: Refusal) -> None:
    """Answer a request with a refusal and close its connection, whose body may be unread."""
    request_id = request_id_from(headers.get(HEADER.lower()))
    answer = {
        **problem_headers(refusal),
        HEADER: request_id,
        "Connection": "close",
        **cors_headers(headers.get("origin")),
    }
    body = problem_body(refusal, request_id)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in answer.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


class Intake:
    """ASGI application that hands whole requests on to another."""

    def __init__(self, app: AsgiApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        try:
            if not scope["query_string"].isascii():
                raise refusal_at("", "The query string has bytes that should be percent-encoded.")
            body = await read_whole_body(receive, headers, limit_of(scope["path"]))
        except Refusal as refusal:
            await send_problem(send, headers, refusal)
            return
        except ClientLeft:
            return
        whole = [
            (name, value)
            for name, value in scope["headers"]
            if name not in (b"content-length", b"transfer-encoding")
        ]
        whole.append((b"content-length", str(len(body)).encode()))
        await self.app({**scope, "headers": whole}, _once(body, receive), send)


def _once(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body, and after it what the server says."""
    given = False

    async def receive_whole() -> dict[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_whole
