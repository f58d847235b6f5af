"""Long answers: sent chunk by chunk, so that a slow client holds neither memory nor a thread."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from hub.api.exchange import Exchange
from hub.api.request_threads import CHUNK_BYTES, RequestThreads
from tests.live.scope import SCOPE

PART = b"x" * 20_000


class View:
    """A handler with one view, and what the client of each request gets."""

    def __init__(self, view: Callable[[Exchange], HttpResponseBase], threads: int = 1) -> None:
        self._view = view
        self.app = RequestThreads(self, threads)  # type: ignore[arg-type]

    def answer(self, request: Any, exchange: Exchange) -> HttpResponseBase:
        return self._view(exchange)

    async def asked(self, **options: Any) -> "Heard":
        heard = Heard(**options)
        scope = {**SCOPE, "method": heard.method}
        await self.app({**scope, "exchange": Exchange.of_scope(scope)}, heard.receive, heard.send)
        return heard


class Heard:
    """The client of one request."""

    def __init__(self, method: str = "GET", may_take: Callable[[int, "Heard"], Any] | None = None) -> None:
        self.method = method
        self.left = asyncio.Event()
        self.start: Any = None
        self.chunks: list[bytes] = []
        self.more: list[bool] = []
        self._may_take = may_take

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            return
        self.chunks.append(message["body"])
        self.more.append(message.get("more_body", False))
        if self._may_take is not None:
            await self._may_take(len(self.chunks), self)


class Streaming(StreamingHttpResponse):
    """An answer that is made part by part and knows whether it was closed."""

    def close(self) -> None:
        self.was_closed = True
        super().close()


@pytest.mark.parametrize("parts", [0, 1, 3, 4, 40])
def test_it_arrives_whole_in_chunks(parts: int) -> None:
    answers = [Streaming(iter([PART] * parts))]

    heard = asyncio.run(View(lambda _: answers[0]).asked())

    assert b"".join(heard.chunks) == PART * parts
    assert heard.more == [True] * (len(heard.chunks) - 1) + [False]
    assert max(map(len, heard.chunks)) < CHUNK_BYTES + len(PART)
    assert answers[0].was_closed


def test_only_the_headers_of_it_are_sent_for_head() -> None:
    def parts() -> Iterator[bytes]:
        raise AssertionError("the parts are made")
        yield b""

    answer = Streaming(parts())

    heard = asyncio.run(View(lambda _: answer).asked(method="HEAD"))

    assert b"".join(heard.chunks) == b""
    assert answer.was_closed


@pytest.mark.parametrize("parts_before", [0, 40])
def test_an_answer_that_breaks_is_closed_and_not_ended_as_if_it_were_whole(parts_before: int) -> None:
    def parts() -> Iterator[bytes]:
        yield from [PART] * parts_before
        raise RuntimeError("on the way")

    answer = Streaming(parts())
    heard = Heard()

    async def asked() -> None:
        scope = {**SCOPE, "exchange": Exchange.of_scope(SCOPE)}
        await View(lambda _: answer).app(scope, heard.receive, heard.send)

    with pytest.raises(RuntimeError, match="on the way"):
        asyncio.run(asked())

    assert (heard.start is not None) is (parts_before > 0)
    assert False not in heard.more
    assert answer.was_closed


def test_a_slow_client_holds_no_thread() -> None:
    """The only thread is free for others while the client takes its time."""

    async def order() -> list[str]:
        seen: list[str] = []
        others_turn, goes_on = asyncio.Event(), asyncio.Event()

        async def take(count: int, _: Heard) -> None:
            others_turn.set()
            await goes_on.wait()

        view = View(lambda exchange: Streaming(iter([PART] * 40)))
        slow = asyncio.create_task(view.asked(may_take=take))
        await others_turn.wait()
        assert b"".join((await view.asked()).chunks) == PART * 40
        seen.append("other")
        goes_on.set()
        assert b"".join((await slow).chunks) == PART * 40
        seen.append("slow")
        return seen

    assert asyncio.run(order()) == ["other", "slow"]


def test_nothing_is_read_for_a_client_that_left() -> None:
    answer = Streaming(iter([PART] * 40))

    async def leave(_: int, heard: Heard) -> None:
        heard.left.set()
        for _ in range(3):  # for the watch to notice
            await asyncio.sleep(0)

    heard = asyncio.run(View(lambda _: answer).asked(may_take=leave))

    assert len(heard.chunks) == 1
    assert answer.was_closed


def test_a_view_can_notice_that_its_client_left() -> None:
    began, noticed = threading.Event(), threading.Event()

    def view(exchange: Exchange) -> HttpResponse:
        exchange.watch_client()
        began.set()
        deadline = time.monotonic() + 10
        while not exchange.client_left and time.monotonic() < deadline:
            time.sleep(0.001)
        if exchange.client_left:
            noticed.set()
        return HttpResponse("for nobody")

    async def asked() -> Heard:
        heard = Heard()
        scope = {**SCOPE, "exchange": Exchange.of_scope(SCOPE)}
        task = asyncio.create_task(View(view).app(scope, heard.receive, heard.send))
        await asyncio.to_thread(began.wait, 10)
        heard.left.set()
        await task
        return heard

    assert asyncio.run(asked()).start is None
    assert noticed.is_set()


def test_over_a_real_connection_a_file_arrives_whole_and_on_time(server: str) -> None:
    """The largest script of the pages goes this way."""
    host, port = server.removeprefix("http://").split(":")
    path = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))

    assert head.startswith(b"HTTP/1.1 200")
    assert len(body) == int(length.split(b": ")[1]) > 1024 * 1024
