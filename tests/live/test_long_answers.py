"""Answers that are made while they are sent: spooled, so that they hold neither memory nor a thread."""

import asyncio
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hub.api import spool
from hub.api.wsgi_threads import WsgiThreads
from tests.live.scope import SCOPE

PART = b"x" * 100_000


class Streaming:
    """A WSGI response that is made part by part."""

    streaming = True

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts

    def close(self) -> None:
        self.closed = True


class Exchange:
    """One request of the application, and what its client gets."""

    def __init__(self, make: Callable[[], Iterator[bytes]], method: str = "GET", **headers: str) -> None:
        self.response = Streaming(make())
        self.left = asyncio.Event()
        self.start: Any = None
        self.chunks: list[bytes] = []
        self.more: list[bool] = []
        self.may_take: Callable[[int], Any] | None = None
        self._method, self._headers = method, headers
        self._asked = False

    def app(self, environ: Any, start_response: Any) -> Streaming:
        start_response("200 OK", [("Content-Type", "text/plain"), *self._headers.items()])
        return self.response

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            return
        self.chunks.append(message["body"])
        self.more.append(message.get("more_body", False))
        if self.may_take is not None:
            await self.may_take(len(self.chunks))

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.start["headers"])

    async def run(self, threads: WsgiThreads | None = None) -> None:
        scope = {**SCOPE, "method": self._method}
        threads = threads or WsgiThreads(self.app, 1)
        threads.app = self.app
        await threads(scope, self.receive, self.send)


def run(exchange_of: Callable[[], Any]) -> Any:
    """Run a coroutine."""
    return asyncio.run(exchange_of())


@pytest.mark.parametrize("parts", [0, 1, 5, 40])
def test_it_arrives_whole_with_its_length(parts: int) -> None:
    async def exchange() -> Exchange:
        asked = Exchange(lambda: iter([PART] * parts))
        await asked.run()
        return asked

    asked = run(exchange)

    assert b"".join(asked.chunks) == PART * parts
    assert asked.headers[b"content-length"] == str(len(PART) * parts).encode()
    assert asked.more == [True] * (len(asked.chunks) - 1) + [False]
    assert max(map(len, asked.chunks)) <= spool.CHUNK_BYTES
    assert asked.response.closed


def test_a_length_that_is_known_is_kept() -> None:
    async def exchange() -> Exchange:
        asked = Exchange(lambda: iter([b"ab", b"c"]), **{"Content-Length": "3"})
        await asked.run()
        return asked

    asked = run(exchange)

    assert [name for name, _ in asked.start["headers"]].count(b"content-length") == 1


def test_only_the_headers_of_it_are_made_for_head() -> None:
    def make() -> Iterator[bytes]:
        raise AssertionError("it is made")
        yield b""

    async def exchange() -> Exchange:
        asked = Exchange(make, "HEAD")
        await asked.run()
        return asked

    asked = run(exchange)

    assert b"".join(asked.chunks) == b""
    assert b"content-length" not in asked.headers, "nobody knows it"
    assert asked.response.closed


def test_what_fails_on_the_way_has_not_begun() -> None:
    def make() -> Iterator[bytes]:
        yield PART * 20
        raise RuntimeError("on the way")

    async def exchange() -> Exchange:
        asked = Exchange(make)
        with pytest.raises(RuntimeError, match="on the way"):
            await asked.run()
        return asked

    asked = run(exchange)

    assert asked.start is None
    assert asked.response.closed


def test_a_slow_client_holds_no_thread() -> None:
    """The only thread is free for others while the client takes its time."""

    async def exchange() -> list[str]:
        threads, order = WsgiThreads(lambda *_: [], 1), []
        slow = Exchange(lambda: iter([PART] * 40))
        others_turn = asyncio.Event()

        async def take(count: int) -> None:
            if count == 1:
                others_turn.set()
            await asyncio.sleep(0.005)

        slow.may_take = take
        task = asyncio.create_task(slow.run(threads))
        await others_turn.wait()
        other = Exchange(lambda: iter([b"quick"]))
        await other.run(threads)
        order.append("other")
        await task
        order.append("slow")
        assert b"".join(slow.chunks) == PART * 40
        return order

    assert run(exchange) == ["other", "slow"]


def test_nothing_is_read_for_a_client_that_left() -> None:
    async def exchange() -> Exchange:
        asked = Exchange(lambda: iter([PART] * 40))

        async def leave(count: int) -> None:
            asked.left.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        asked.may_take = leave
        await asked.run()
        return asked

    assert len(run(exchange).chunks) == 1


def test_nothing_more_is_made_for_a_client_that_left() -> None:
    made, go_on = threading.Semaphore(0), threading.Event()

    def make() -> Iterator[bytes]:
        yield PART * 20
        made.release()
        go_on.wait(10)
        for _ in range(1000):
            yield PART
            made.release()
            time.sleep(0.001)

    async def exchange() -> Exchange:
        asked = Exchange(make)
        task = asyncio.create_task(asked.run())
        await asyncio.to_thread(made.acquire)
        asked.left.set()
        await asyncio.sleep(0.01)
        go_on.set()
        await task
        return asked

    asked = run(exchange)

    assert asked.start is None
    assert asked.response.closed
    assert made._value < 10


def test_a_long_one_lies_in_a_file_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[Any] = []
    real = tempfile.SpooledTemporaryFile

    def noted(*args: Any, **options: Any) -> Any:
        files.append(real(*args, **options))
        return files[-1]

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", noted)

    async def exchange() -> None:
        await Exchange(lambda: iter([PART] * 5)).run()
        await Exchange(lambda: iter([PART] * 40)).run()

    run(exchange)

    assert [file._rolled for file in files] == [False, True]
    assert all(file.closed for file in files)


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
    assert len(body) == int(length.split(b": ")[1]) > spool.MEMORY_BYTES
