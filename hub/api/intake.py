"""The intake (ASGI): gives each request its exchange, and reads its body whole, within limits and in time.

A slow or endless body costs a coroutine and never one of the few threads that run Django. A consumer gets its
request in one piece.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from structlog.contextvars import bound_contextvars

from hub.api.exchange import Exchange
from hub.api.response import Response, Send
from hub.api.room import MIB, RETRY_SECONDS, Room
from hub.json_apart import LARGE_BYTES
from realms.refusal import Refusal, refusal_at

BODY_BYTES = MIB
MEMORY_BODY_BYTES = 8 * MIB
MEMORY_PATH = "/api/v1/memory"
BODY_TIMEOUT_SECONDS = 10.0
LINGER_SECONDS = 2.0
# A body is read before its credential is checked, so strangers must not fill the memory with large ones.
BODIES = Room(each=24 * MIB, all=40 * MIB, code="too_many_large_bodies", what="large bodies")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class ClientLeft(Exception):
    """The client closed the connection before its request was whole."""


class Intake:
    """ASGI application that hands whole requests on to another, each with its exchange in the scope."""

    def __init__(self, app: AsgiApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of_scope(scope)
        try:
            await self._take(exchange, scope, receive, send)
        except asyncio.CancelledError:  # the process ends, and has waited long enough
            headers = {"Retry-After": str(RETRY_SECONDS), "Connection": "close"}
            with contextlib.suppress(RuntimeError):  # an answer has begun
                await Response(send, exchange).refuse(Refusal("unavailable", headers=headers))
        finally:
            exchange.forget_body()

    async def _take(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if not scope["query_string"].isascii():
                raise refusal_at("", "The query string has bytes that should be percent-encoded.")
            exchange.body = await read_body(receive, exchange)
        except Refusal as refusal:
            await _refuse_and_linger(refusal, exchange, receive, send)
            return
        except ClientLeft:
            return
        scope = {**scope, "exchange": exchange}
        if "transfer-encoding" in exchange.headers:
            scope["headers"] = _with_length(scope["headers"], len(exchange.body))
        await self.app(scope, _once(receive), send)


def refuse_too_long(exchange: Exchange) -> int:
    """Check what Content-Length says, and return how many bytes the body may have.

    Raises:
        Refusal: `invalid_request`, if the header is no number (RFC 9110 §8.6: digits alone);
            `body_too_large`.
    """
    limit = MEMORY_BODY_BYTES if exchange.path == MEMORY_PATH else BODY_BYTES
    if header := exchange.headers.get("content-length"):
        if not (header.isascii() and header.isdecimal()):
            raise Refusal("invalid_request", "Content-Length is not a number.")
        # Python reads no number of over 4300 digits.
        digits = header.lstrip("0") or "0"
        if len(digits) > len(str(limit)) or int(digits) > limit:
            raise _too_large(limit)
    return limit


async def read_body(receive: Receive, exchange: Exchange) -> bytes:
    """Return the body of a request; a large one takes room until the exchange forgets it.

    Raises:
        Refusal: `body_too_large` (by Content-Length before anything is read), `invalid_request`
            (Content-Length is no number), `request_timeout`, `too_many_large_bodies`, `unavailable`.
        ClientLeft: nobody is there to be answered.
    """
    limit = refuse_too_long(exchange)
    if not _has_body(exchange.headers):
        return b""
    hold = BODIES.hold(exchange.owner)
    exchange.at_body_end.append(hold.release)
    body = bytearray()
    is_whole = False
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            while not is_whole:
                is_whole = await _read_on(receive, body)
                if len(body) > limit:
                    raise _too_large(limit)
                if len(body) > LARGE_BYTES:
                    hold.resize(len(body))
    except TimeoutError:
        raise Refusal("request_timeout") from None
    return bytes(body)


def _too_large(limit: int) -> Refusal:
    return Refusal("body_too_large", f"The body has more than {limit} bytes. Send less at a time.")


def _has_body(headers: Mapping[str, str]) -> bool:
    """Tell whether a request has a body (RFC 9112 §6.3)."""
    return bool(headers.get("content-length")) or "transfer-encoding" in headers


async def _read_on(receive: Receive, body: bytearray) -> bool:
    """Append the next piece of a body; return whether it was the last."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientLeft
    body += message.get("body", b"")
    return not message.get("more_body")


def _with_length(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request with the length of its body in the place of its chunks."""
    rest = [header for header in headers if header[0] not in (b"content-length", b"transfer-encoding")]
    return [*rest, (b"content-length", str(length).encode())]


async def _refuse_and_linger(refusal: Refusal, exchange: Exchange, receive: Receive, send: Send) -> None:
    """Refuse a request whose body may still be coming, then read on for a moment and close the connection.

    A connection that is closed while bytes come in is reset, and the client might never see the answer
    (RFC 9112 §9.6).
    """
    refusal.headers["Connection"] = "close"
    response = Response(send, exchange)
    has_body = _has_body(exchange.headers)
    with bound_contextvars(request_id=exchange.request_id):
        await response.refuse(refusal, more=has_body)
        exchange.end(response.status)
    if not has_body:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                pass
    await response.write(b"", more=False)


def _once(receive: Receive) -> Receive:
    """Return a `receive` that first says that the request is there, then waits for the client to leave."""
    given = False

    async def receive_whole() -> dict[str, Any]:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request"}
        while (message := await receive())["type"] == "http.request":
            pass  # the server still announces the empty body of a request without one
        return message

    return receive_whole
