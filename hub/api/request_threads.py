"""Requests in a few threads, as an ASGI application.

The intake has read each request, so it goes to a thread in one piece, and its answer comes back in one. An
answer that is made in parts comes back in chunks: the next chunk is made when the client has taken the one
before. A client that reads slowly holds no thread, and what it holds of an answer takes room of its caller.

Callers take turns for the threads, so that the many requests of one delay one of another little.
"""

import asyncio
import contextvars
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.core import signals
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http.response import HttpResponseBase

from accounts.address import network_of
from hub import metrics
from hub.api import accepted
from hub.api.client_watch import ClientWatch
from hub.api.exchange import Exchange
from hub.api.handler import WITHOUT_CONTENT, Handler
from hub.api.paths import Kind
from hub.api.response import Send
from hub.api.turns import Turns
from hub.api.unread_answers import UnreadAnswer
from realms.refusal import Refusal

T = TypeVar("T")

CHUNK_BYTES = 64 * 1024
AHEAD = 2  # requests that wait in the executor
UNREADABLE = "The header Content-Type cannot be read. Send one such as: text/plain; charset=utf-8"

# The answer, its first chunk, and an iterator of the parts after that chunk; None if there are none.
Answer = tuple[HttpResponseBase, bytes, Iterator[bytes] | None]


class RequestThreads:
    """ASGI application that answers with a handler in `threads` threads."""

    def __init__(self, handler: Handler, threads: int) -> None:
        self._handler = handler
        metrics.THREADS.set(threads)
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="request")
        # A thread that is done finds the next work in the executor, without a way over the loop. One caller
        # leaves threads to others.
        self._turns = Turns(at_once=threads + AHEAD, each=max(1, threads // 2, threads - 2))

    async def run(self, function: Callable[..., T], exchange: Exchange) -> T:
        """Return what a function that uses the database returns, called in one of the threads."""
        return await self._in_thread(exchange, _with_connection, function, exchange)

    async def _in_thread(self, exchange: Exchange, function: Callable[..., T], *args: Any) -> T:
        """Return what a function returns, called in a thread when it is the turn of the request's caller."""
        end_turn = await self._turns.take(_whose_turn(exchange))
        try:
            run = contextvars.copy_context().run
            return await asyncio.get_running_loop().run_in_executor(self._executor, run, function, *args)
        finally:
            end_turn()

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Send) -> None:
        exchange: Exchange = scope["exchange"]
        exchange.client = client = ClientWatch(asyncio.get_running_loop(), receive)
        metrics.REQUESTS_WAITING.inc()
        rest = None
        try:
            response, content, rest = await self._in_thread(exchange, self._answer, scope, exchange)
            exchange.forget_body()
            if client.has_left:
                return
            start = {"status": response.status_code, "headers": _raw(response)}
            await send({"type": "http.response.start", **start})
            if rest is not None:
                client.begin()
                while content and not client.has_left:
                    await send({"type": "http.response.body", "body": content, "more_body": True})
                    content = await self._in_thread(exchange, _next_chunk, rest)
            if not client.has_left:
                await _send_whole(send, exchange, content)
        finally:
            client.close()
            exchange.forget_answer()
            if rest is not None:
                await self._in_thread(exchange, response.close)

    def _answer(self, scope: Any, exchange: Exchange) -> Answer:
        metrics.REQUESTS_WAITING.dec()
        signals.request_started.send(sender=type(self), scope=scope)
        if exchange.kind is not Kind.PAGE:
            scope = {**scope, "headers": []}  # the exchange has them, and Django would parse them again
        try:
            request = ASGIRequest(scope, io.BytesIO(exchange.body))
        except ValueError:  # of Content-Type's parameters, which Django decodes
            response = self._handler.refuse(exchange, Refusal("invalid_request", UNREADABLE))
        else:
            response = self._handler.answer(request, exchange)
        chunk, rest = b"", None
        try:
            if not response.streaming:
                chunk = response.content  # type: ignore[attr-defined]
            elif exchange.method != "HEAD":  # nobody wants the parts of that made
                parts = iter(response)
                chunk = _next_chunk(parts)
                rest = parts if len(chunk) >= CHUNK_BYTES else None
                if rest is None and response.status_code not in WITHOUT_CONTENT:
                    response.headers.setdefault("Content-Length", str(len(chunk)))
        finally:
            if rest is None:
                response.close()
        return response, chunk, rest


async def _send_whole(send: Send, exchange: Exchange, content: bytes) -> None:
    """Send an answer, or the rest of one. It takes room of its caller until the server has taken it."""
    if len(content) > CHUNK_BYTES:
        exchange.answer = exchange.answer or UnreadAnswer(exchange.owner)
        exchange.answer.take_room(len(content))
    place = 0
    while len(content) - place > CHUNK_BYTES:  # the server keeps all that it has been given
        chunk = content[place : place + CHUNK_BYTES]
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        place += CHUNK_BYTES
    await send({"type": "http.response.body", "body": content[place:]})


def _whose_turn(exchange: Exchange) -> str:
    """Return whose turn a request takes: made-up credentials have those of the network they come from."""
    if exchange.kind is Kind.API and exchange.caller is None and not accepted.is_known(exchange.headers):
        return network_of(exchange.address)
    return exchange.owner


def _with_connection(function: Callable[..., T], *args: Any) -> T:
    close_old_connections()
    return function(*args)


def _next_chunk(parts: Iterator[bytes]) -> bytes:
    """Return as many of the parts as make a chunk; fewer bytes than a chunk has are the last."""
    chunk = bytearray()
    for part in parts:
        chunk += part
        if len(chunk) >= CHUNK_BYTES:
            break
    return bytes(chunk)


def _raw(response: HttpResponseBase) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer as ASGI has them."""
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    cookies = (cookie.output(header="").strip() for cookie in response.cookies.values())
    return headers + [(b"set-cookie", cookie.encode("latin-1")) for cookie in cookies]
