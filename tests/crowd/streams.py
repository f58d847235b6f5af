"""The crowd: thousands of streams read by one event loop, each by a protocol that does little."""

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import cast
from urllib.parse import urlsplit

import msgspec

INBOX_START = "msg_" + "0" * 26
OPENING_AT_ONCE = 200
ANSWER_SECONDS = 60.0


class Payload(msgspec.Struct):
    """What the load sends: its number; a ping has none."""

    n: int = -1


class Message(msgspec.Struct):
    """As much of a message as is read here."""

    payload: Payload


class Stream(asyncio.Protocol):
    """One connection of a stream."""

    def __init__(self, crowd: "Crowd", session: str, head: bytes) -> None:
        self.crowd, self.session, self.head = crowd, session, head
        self.answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.raw = b""
        self.text = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self.transport.write(self.head)

    def data_received(self, data: bytes) -> None:
        """Read the status, then the chunks (RFC 9112 §7.1), then the lines of events."""
        self.raw += data
        if not self.answered.done():
            head, separator, rest = self.raw.partition(b"\r\n\r\n")
            if not separator:
                return
            self.answered.set_result(int(head.split(b" ", 2)[1]))
            self.raw = rest
        if self.answered.cancelled() or self.answered.result() != 200:
            return
        while (end := self.raw.find(b"\r\n")) > 0:
            size = int(self.raw[:end], 16)
            if len(self.raw) < end + 2 + size + 2:
                return
            self.text += self.raw[end + 2 : end + 2 + size]
            self.raw = self.raw[end + 2 + size + 2 :]
            self._events()

    def _events(self) -> None:
        *lines, self.text = self.text.split(b"\n")
        for line in lines:
            if line.startswith(b"id: "):
                self.crowd.last_ids[self.session] = line[4:].decode()
            elif line.startswith(b"data: ") and b'"payload"' in line:
                self.crowd.arrive(self.session, msgspec.json.decode(line[6:], type=Message).payload.n)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who still waits for the answer, and the crowd if it had one."""
        if not self.answered.done():
            self.answered.set_exception(exc or ConnectionResetError())
        self.crowd.ended += 1


class Crowd:
    """Streams of sessions, and which numbered messages arrived.

    Attributes:
        arrived: when each number first arrived, in `time.perf_counter` seconds.
        numbers: what arrived at each session, in order.
        ended: connections that are closed, by whichever side.
        answers: how often each status was answered; 0 for a connection that broke before.
    """

    def __init__(self, base: str, key: str) -> None:
        parts = urlsplit(base)
        assert parts.hostname and parts.port
        self.host, self.port, self.key = parts.hostname, parts.port, key
        self.tls = parts.scheme == "https" or None
        self.open: dict[str, Stream] = {}
        self.last_ids: dict[str, str] = {}
        self.arrived: dict[int, float] = {}
        self.numbers: defaultdict[str, list[int]] = defaultdict(list)
        self.ended = 0
        self.answers: Counter[int] = Counter()

    def head(self, session: str, *, resume: bool = False) -> bytes:
        """Return the request for a session's stream."""
        seen = f"Last-Event-ID: {self.last_ids.get(session, INBOX_START)}\r\n" if resume else ""
        return (
            f"GET /api/v1/messages/stream HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"X-AISP-Key: {self.key}\r\nX-AISP-Session: {session}\r\nAccept: text/event-stream\r\n{seen}\r\n"
        ).encode()

    def arrive(self, session: str, number: int) -> None:
        """Note a message."""
        if number >= 0:
            self.arrived.setdefault(number, time.perf_counter())
            self.numbers[session].append(number)

    async def join(self, sessions: Iterable[str]) -> None:
        """Open these sessions' streams, some at once."""
        gate = asyncio.Semaphore(OPENING_AT_ONCE)

        async def one(session: str) -> None:
            async with gate:
                await self._until_open(session, resume=False)

        await asyncio.gather(*map(one, sessions))

    async def come_back(self, sessions: Iterable[str]) -> None:
        """Open these sessions' streams all at once, from where each was left."""
        await asyncio.gather(*(self._until_open(session, resume=True) for session in sessions))

    async def _until_open(self, session: str, *, resume: bool) -> None:
        while True:
            status = await self._attempt(session, resume=resume)
            self.answers[status] += 1
            if status == 200:
                return
            await asyncio.sleep(1.0)

    async def _attempt(self, session: str, *, resume: bool) -> int:
        loop = asyncio.get_running_loop()
        head = self.head(session, resume=resume)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                _, stream = await loop.create_connection(
                    lambda: Stream(self, session, head), self.host, self.port, ssl=self.tls
                )
                status = await stream.answered
        except (OSError, TimeoutError):
            return 0
        if status == 200:
            self.open[session] = stream
        else:
            stream.transport.close()
        return status

    def leave(self) -> None:
        """Close all connections at once."""
        for stream in self.open.values():
            stream.transport.abort()
        self.open.clear()

    async def missing(self, numbers: Iterable[int], *, seconds: float) -> int:
        """Wait until these messages have arrived, and return how many did not in this time."""
        left = set(numbers)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while left := {number for number in left if number not in self.arrived}:
                    await asyncio.sleep(0.05)
        return len(left)
