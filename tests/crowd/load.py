"""What sends: connections with a session each, at a rate or as fast as they can."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.bench.client import Connection, envelope, register

_numbers = itertools.count()
_names = itertools.count()


@dataclass
class Sent:
    """Messages by number: when each send began and was accepted, in `time.perf_counter` seconds."""

    began: dict[int, float] = field(default_factory=dict)
    accepted: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """The rate that was reached."""
        return len(self.accepted) / self.seconds if self.seconds else 0.0

    def waits(self) -> list[float]:
        """Return how long each send took, in seconds."""
        return [at - self.began[number] for number, at in self.accepted.items()]


class Senders:
    """Keep-alive connections, each with a session to send from."""

    def __init__(self, key: str, connections: list[Connection], sessions: list[str]) -> None:
        self.key, self.connections, self.sessions = key, connections, sessions

    async def send(self, which: int, recipient: str, sent: Sent, filler: str = "") -> None:
        """Send a numbered message over one of the connections."""
        number = next(_numbers)
        more = {"filler": filler} if filler else {}
        body = envelope(self.sessions[which], recipient, n=number, **more)
        sent.began[number] = time.perf_counter()
        status, content = await self.connections[which].call("POST", "/api/v1/messages", self.key, body)
        assert status == 200, content
        sent.accepted[number] = time.perf_counter()

    async def steadily(self, recipients: Sequence[str], per_second: float) -> Sent:
        """Send one message to each in turn at a rate, spread over the connections."""
        sent, began, count = Sent(), time.perf_counter(), len(self.connections)

        async def run(which: int) -> None:
            for i in range(which, len(recipients), count):
                await asyncio.sleep(max(0.0, began + i / per_second - time.perf_counter()))
                await self.send(which, recipients[i], sent)

        await asyncio.gather(*map(run, range(count)))
        sent.seconds = time.perf_counter() - began
        return sent

    async def at_once(self, recipients: Sequence[str], messages: int) -> Sent:
        """Send as fast as the connections can; each recipient's messages come over one of them."""
        sent, began, count = Sent(), time.perf_counter(), len(self.connections)

        async def run(which: int) -> None:
            for i in range(messages):
                recipient = i % len(recipients)
                if recipient % count == which:
                    await self.send(which, recipients[recipient], sent)

        await asyncio.gather(*map(run, range(count)))
        sent.seconds = time.perf_counter() - began
        return sent


@asynccontextmanager
async def senders(base: str, key: str, count: int) -> AsyncIterator[Senders]:
    """Open connections and register their sessions; the server closes idle ones, so open them anew."""
    connections = [Connection(base) for _ in range(count)]
    try:
        for connection in connections:
            await connection.open()
        own = [await register(each, key, f"crowd-sender-{next(_names)}") for each in connections]
        yield Senders(key, connections, own)
    finally:
        for connection in connections:
            connection.writer.close()


async def register_many(base: str, key: str, count: int, at_once: int = 16) -> list[str]:
    """Register sessions and return their ids."""
    names = iter([f"crowd-{next(_names)}" for _ in range(count)])
    sessions: list[str] = []

    async def run() -> None:
        connection = Connection(base)
        await connection.open()
        for name in names:
            sessions.append(await register(connection, key, name))
        connection.writer.close()

    await asyncio.gather(*(run() for _ in range(at_once)))
    return sessions
