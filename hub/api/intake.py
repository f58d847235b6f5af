"""Intake (ASGI): a request's body is read whole, in bounds and in time, before it gets a thread.

A slow or endless body thus costs a coroutine and never one of the few threads that run Django, a body
without Content-Length reaches Django with one, and a consumer gets a request in one piece.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from accounts.address import client_address
from hub.api.body import checked_length, limit_of, too_large
from hub.api.observed import note_unread
from hub.api.response import Response, Send
from realms.refusal import Refusal, refusal_at

BODY_TIMEOUT_SECONDS = 10.0
LINGER_SECONDS = 2.0
# A body is read before anybody looks at its credential: strangers must not fill the memory with large ones.
SMALL_BYTES = 64 * 1024
LARGE_BODIES_BYTES = 128 * 1024 * 1024
RETRY_SECONDS = 5

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
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


def address_of(scope: Scope) -> str:
    """Return the client's IP address; "" where the server does not know it."""
    return client_address(scope["client"][0]) if scope.get("client") else ""


def has_body(headers: Mapping[str, str]) -> bool:
    """Tell whether a request has a body (RFC 9112 §6.3)."""
    return bool(headers.get("content-length")) or "transfer-encoding" in headers


class LargeBodies:
    """What the bodies that are larger than small take together, while they are read."""

    def __init__(self) -> None:
        self._bytes = 0

    @contextlib.contextmanager
    def growing(self, body: bytearray) -> Iterator[Callable[[], None]]:
        """Give what to call whenever a body has grown.

        It raises `Refusal` `unavailable` if there is no room for it.
        """
        counted = 0

        def count() -> None:
            nonlocal counted
            more = len(body) - counted
            if len(body) <= SMALL_BYTES:
                return
            if self._bytes + more > LARGE_BODIES_BYTES:
                detail = "Too many large bodies are being sent. Try again, or send less at a time."
                raise Refusal("unavailable", detail, headers={"Retry-After": str(RETRY_SECONDS)})
            self._bytes += more
            counted += more

        try:
            yield count
        finally:
            self._bytes -= counted


async def read_whole_body(
    receive: Receive, headers: Mapping[str, str], limit: int, large_bodies: LargeBodies
) -> bytes:
    """Return the body of a request.

    Raises:
        Refusal: `body_too_large` (by Content-Length before anything is read), `invalid_request` (that is
            no number), `request_timeout`, `unavailable` (no room in `large_bodies`).
        ClientLeft: there is nobody to answer.
    """
    if not has_body(headers):
        return b""
    if length := headers.get("content-length"):
        checked_length(length, limit)
    body = bytearray()
    is_whole = False
    try:
        with large_bodies.growing(body) as count:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                while not is_whole:
                    is_whole = await _read_on(receive, body)
                    if len(body) > limit:
                        raise too_large(limit)
                    count()
    except TimeoutError:
        raise Refusal("request_timeout") from None
    return bytes(body)


async def _read_on(receive: Receive, body: bytearray) -> bool:
    """Append the next piece of a body; return whether it was the last."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientLeft
    body += message.get("body", b"")
    return not message.get("more_body")


class Intake:
    """ASGI application that hands whole requests on to another."""

    def __init__(self, app: AsgiApp) -> None:
        self.app = app
        self._large_bodies = LargeBodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        began = time.perf_counter()
        try:
            if not scope["query_string"].isascii():
                raise refusal_at("", "The query string has bytes that should be percent-encoded.")
            limit = limit_of(scope["path"])
            body = await read_whole_body(receive, headers, limit, self._large_bodies)
        except Refusal as refusal:
            response = Response(send, headers, address_of(scope))
            note_unread(
                refusal,
                method=scope["method"],
                request_id=response.request_id,
                address=response.address,
                seconds=time.perf_counter() - began,
            )
            await _refuse_and_linger(refusal, response, receive, headers)
            return
        except ClientLeft:
            return
        if has_body(headers):
            scope = {**scope, "headers": _with_length(scope["headers"], len(body))}
        del headers  # a stream's request lasts
        await self.app(scope, _once(body, receive), send)


def _with_length(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    """Return a request's headers as they are when its body is whole."""
    rest = [header for header in headers if header[0] not in (b"content-length", b"transfer-encoding")]
    return [*rest, (b"content-length", str(length).encode())]


async def _refuse_and_linger(
    refusal: Refusal, response: Response, receive: Receive, headers: Mapping[str, str]
) -> None:
    """Refuse a request whose body may still be coming, and close the connection when the client knows.

    Closed while bytes come in, it would be reset, and the client might never see the answer (RFC 9112 §9.6).
    """
    refusal.headers["Connection"] = "close"
    if not has_body(headers):
        await response.refuse(refusal)
        return
    await response.refuse(refusal, more=True)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                pass
    await response.write(b"", more=False)


def _once(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body, and after it waits for the client to leave."""
    given = False

    async def receive_whole() -> dict[str, Any]:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        while (message := await receive())["type"] == "http.request":
            pass  # of a request without a body the server still says that it is empty
        return message

    return receive_whole
