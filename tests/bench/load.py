"""The load: connections that each send as fast as they are answered, in a process of their own.

Each answer is looked at. A wrong one ends the run, since a server that refuses is fast.
"""

import asyncio
import itertools
import multiprocessing
import multiprocessing.connection
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

import uvloop

from tests.bench.delays import Delays
from tests.bench.machine import OTHER_CORES

P = ParamSpec("P")
T = TypeVar("T")
ONCE = b"@" * 16  # in a request: a number that no other request has


class WrongAnswer(Exception):
    """A server answered something else than it was measured for."""


@dataclass(frozen=True)
class Plan:
    """What to send.

    Attributes:
        bases: the URLs of servers that the connections are spread over.
        requests: of each connection, whole requests as they go over the wire.
        check: raises `WrongAnswer` for a body that is not right.
        seconds: until no further request is begun.
        again: a connection that has sent all its requests begins anew; else it is done.
        status: that each answer must have.
    """

    bases: list[str]
    requests: list[list[bytes]]
    check: Callable[[bytes], None]
    seconds: float
    again: bool = True
    status: int = 200


@dataclass(frozen=True)
class Times(Delays):
    """How long each request took, and all of them together, in seconds."""

    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.each) / self.seconds


class _Client(asyncio.Protocol):
    """One connection; opened anew for each request where the server closes it."""

    def __init__(
        self, plan: Plan, base: str, requests: Iterator[bytes], ends: float, numbers: Iterator[int]
    ) -> None:
        self.plan, self.requests, self.ends, self.numbers = plan, requests, ends, numbers
        self.times: list[float] = []
        self.loop = asyncio.get_running_loop()
        parts = urlsplit(base)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.done: asyncio.Future[None] = self.loop.create_future()
        self._waiting: bytes | None = None
        self._received = b""
        self._began = 0.0
        self._is_leaving = False

    async def run(self) -> list[float]:
        """Send until it is time, and return how long each took."""
        self._prepare()
        await self._connect()
        await self.done
        return self.times

    async def _connect(self) -> None:
        self._began = time.perf_counter()
        await self.loop.create_connection(lambda: self, self.host, self.port)

    def _prepare(self) -> bool:
        self._waiting = next(self.requests, None) if time.perf_counter() < self.ends else None
        if self._waiting is not None and ONCE in self._waiting:
            self._waiting = self._waiting.replace(ONCE, b"%016d" % next(self.numbers))
        return self._waiting is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what waits."""
        self.transport = cast(asyncio.Transport, transport)
        self._is_leaving = False
        self.transport.write(self._waiting or b"")

    def data_received(self, data: bytes) -> None:
        """Read an answer, check it, and send the next request."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        lower = head.lower()
        if len(body) < int(lower.partition(b"content-length:")[2].partition(b"\r")[0]):
            return
        now = time.perf_counter()
        self.times.append(now - self._began)
        self._received, self._waiting = b"", None
        try:
            if int(head.split(b" ", 2)[1]) != self.plan.status:
                raise WrongAnswer(f"{head.decode()}\n{body.decode()}")
            self.plan.check(body)
        except Exception as error:
            self._leave()
            self.done.set_exception(error)
            return
        is_closed = b"\r\nconnection: close" in lower
        if is_closed:
            self._leave()
        if not self._prepare():
            self._leave()
            self.done.set_result(None)
        elif is_closed:
            self.loop.create_task(self._connect())
        else:
            self._began = now
            self.transport.write(self._waiting or b"")

    def _leave(self) -> None:
        self._is_leaving = True
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail where an answer was still to come."""
        if not self._is_leaving and not self.done.done():
            self.done.set_exception(exc or ConnectionResetError())


async def _run(plan: Plan) -> Times:
    began = time.perf_counter()
    ends = began + plan.seconds
    numbers = itertools.count(time.time_ns() // 1_000)
    clients = [
        _Client(plan, base, itertools.cycle(each) if plan.again else iter(each), ends, numbers)
        for base, each in zip(itertools.cycle(plan.bases), plan.requests, strict=False)
    ]
    async with asyncio.timeout(plan.seconds + 30):
        each = await asyncio.gather(*(client.run() for client in clients))
    return Times(list(itertools.chain(*each)), time.perf_counter() - began)


def _run_plan(plan: Plan) -> Times:
    return uvloop.run(_run(plan))


class Load:
    """A process that loads servers."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self.executor = executor

    def __call__(self, plan: Plan) -> Times:
        """Follow a plan.

        Raises:
            WrongAnswer: an answer is not right.
        """
        return self.run(_run_plan, plan)

    def run(self, function: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
        """Call a function there."""
        return self.executor.submit(function, *arguments, **more).result()


def begin(cores: set[int]) -> None:
    """Have a process of a pool run on these cores, and end with its parent instead of waiting for work."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_follow, args=[parent.sentinel], daemon=True).start()
    os.sched_setaffinity(0, cores)


def _follow(parent: int) -> None:
    multiprocessing.connection.wait([parent])
    os._exit(1)


@contextmanager
def load_process() -> Iterator[Load]:
    """Run a process for the load, away from the core of the servers that are measured."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=begin, initargs=(OTHER_CORES,)) as executor:
        yield Load(executor)
