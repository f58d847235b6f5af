"""What is measured of streams: how soon an event comes, how many a second, and what one holds."""

import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench import programs
from tests.bench.client import Connection, envelope
from tests.bench.delays import Delays
from tests.bench.load import WrongAnswer
from tests.bench.machine import memory_bytes
from tests.bench.programs import FLOORS, Program
from tests.bench.report import Target
from tests.bench.run import Run
from tests.crowd.streams import Crowd
from tests.growth import rows

PER_SECOND = 200
SENDERS = 8
FEW = 20
CROWDS = (1000, 5000)
BURST_STREAMS = 100
BURST_EVENTS = 20_000
SETTLE_SECONDS = 2.0
ARRIVE_SECONDS = 30.0


@dataclass(frozen=True)
class Held:
    """A server with streams of these sessions, and a session that sends to them."""

    base: str
    pid: int
    key: str
    sessions: Sequence[str]
    sender: str


@dataclass(frozen=True)
class Pushes(Delays):
    """How long each event took from the beginning of its send, in seconds, and what a stream holds."""

    stream_bytes: float

    def __str__(self) -> str:
        return f"{super().__str__()}  {self.stream_bytes / 1024:.1f} KiB a stream"


class HubCrowd(Crowd):
    """Streams of the hub."""

    def request(self, sender: str, recipient: str, number: int) -> tuple[str, bytes]:
        """Return path and body of a send."""
        return "/api/v1/messages", envelope(sender, recipient, n=number)


class FloorCrowd(Crowd):
    """Streams of floor (c), each named as a session."""

    def head(self, session: str, *, resume: bool = False) -> bytes:
        """Return the request for a stream."""
        return f"GET /streams/{session} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()

    def request(self, sender: str, recipient: str, number: int) -> tuple[str, bytes]:
        """Return path and body of what is published."""
        return f"/streams/{recipient}", b'{"payload":{"n":%d}}' % number


class CountingCrowd(Crowd):
    """Streams whose events are counted, whatever is in them."""

    events = 0
    last = 0.0

    def arrive(self, session: str, number: int) -> None:
        """Count an event."""
        self.events += 1
        self.last = time.perf_counter()


async def _delays(held: Held, kind: type[HubCrowd] | type[FloorCrowd], seconds: float) -> Pushes:
    crowd = kind(held.base, held.key)
    before = memory_bytes(held.pid)
    await crowd.join(held.sessions)
    await asyncio.sleep(SETTLE_SECONDS)
    stream_bytes = (memory_bytes(held.pid) - before) / len(held.sessions)
    connections = [Connection(held.base) for _ in range(SENDERS)]
    for connection in connections:
        await connection.open()
    began: dict[int, float] = {}
    start = time.perf_counter()

    async def send(which: int) -> None:
        for number in range(which, round(seconds * PER_SECOND), SENDERS):
            await asyncio.sleep(max(0.0, start + number / PER_SECOND - time.perf_counter()))
            path, body = crowd.request(held.sender, random.choice(held.sessions), number)
            began[number] = time.perf_counter()
            status, content = await connections[which].call("POST", path, held.key, body)
            if status != 200:
                raise WrongAnswer(content)

    await asyncio.gather(*map(send, range(SENDERS)))
    if missing := await crowd.missing(began, seconds=ARRIVE_SECONDS):
        raise WrongAnswer(f"{missing} events did not come")
    crowd.leave()
    return Pushes([crowd.arrived[number] - at for number, at in began.items()], stream_bytes)


async def _burst(held: Held, events: int) -> float:
    crowd = CountingCrowd(held.base, held.key)
    began = time.perf_counter()
    await crowd.come_back(held.sessions)
    while crowd.events < events:
        if time.perf_counter() - began > ARRIVE_SECONDS:
            raise WrongAnswer(f"{crowd.events} of {events} events came")
        await asyncio.sleep(0.01)
    crowd.leave()
    return events / (crowd.last - began)


def delays_of_hub(held: Held, seconds: float) -> Pushes:
    """Open the streams, and send to them for a while."""
    return asyncio.run(_delays(held, HubCrowd, seconds))


def delays_of_floor(held: Held, seconds: float) -> Pushes:
    """Likewise for floor (c)."""
    return asyncio.run(_delays(held, FloorCrowd, seconds))


def burst_of_hub(held: Held, events: int) -> float:
    """Open streams that have so many events before them, and return how many come a second."""
    return asyncio.run(_burst(held, events))


def streams(run: Run) -> None:
    """Pushes to few, to a crowd and to a larger one, beside floor (c); what waits, when a stream opens."""
    with ExitStack() as stack:
        hub = stack.enter_context(programs.hub("serve", run.environment))
        asyncio.run(run.register(hub.base, max(CROWDS) + 1))
        run.sessions.sort()
        _nothing_waits(run)
        held = _held(run, hub, FEW)
        run.load.run(delays_of_hub, held, run.seconds)  # warms up
        few = run.load.run(delays_of_hub, held, run.seconds * run.rounds)
        run.report.note(f"hub, {FEW} streams, {PER_SECOND}/s: {few}")
        run.report.target(Target(f"push to {FEW} streams, p50 in ms", few.p50, most=2))
        run.report.target(Target(f"push to {FEW} streams, p99 in ms", few.p99, most=10))
        _burst_of_what_waits(run, hub)
    for count in CROWDS:
        _crowd(run, count)


def _nothing_waits(run: Run) -> None:
    """Have all that was sent before be read: what waits comes first, and is not what is measured."""
    rows.read_all(run.database)
    rows.settle(run.database)


def _held(run: Run, program: Program, count: int) -> Held:
    return Held(program.base, program.pid, run.keys.limited, run.sessions[:count], run.sessions[-1])


def _burst_of_what_waits(run: Run, hub: Program) -> None:
    rates = []
    for _ in range(run.rounds):
        rows.read_all(run.database)
        rows.add(
            run.database,
            BURST_EVENTS,
            oldest="2 minutes",
            newest="1 minute",
            read=False,
            sessions=BURST_STREAMS,
        )
        rates.append(run.load.run(burst_of_hub, _held(run, hub, BURST_STREAMS), BURST_EVENTS))
    run.report.note(f"hub, burst to {BURST_STREAMS} streams: {min(rates):.0f} to {max(rates):.0f} events/s")
    run.report.target(Target("burst, events a second", statistics.median(rates), least=8000))


def _crowd(run: Run, count: int) -> None:
    """Measure the floor and the hub, one after the other: streams that wait take time too."""
    with programs.asgi(f"{FLOORS}.redis_sse", {"REDIS_URL": run.redis}) as floor:
        least = run.load.run(delays_of_floor, _held(run, floor, count), run.seconds * run.rounds)
    _nothing_waits(run)
    with programs.hub("serve", run.environment) as hub:
        run.load.run(delays_of_hub, _held(run, hub, FEW), run.seconds)  # warms up
        found = run.load.run(delays_of_hub, _held(run, hub, count), run.seconds * run.rounds)
    run.report.note(f"floor: SSE from Redis, {count} streams, {PER_SECOND}/s: {least}")
    run.report.note(f"hub, {count} streams, {PER_SECOND}/s: {found}")
    run.report.target(Target(f"{count} streams: p50 to floor (c)'s", found.p50 / least.p50, most=1.5))
    run.report.target(Target(f"{count} streams: p99 to floor (c)'s", found.p99 / least.p99, most=3))
    memory = found.stream_bytes / max(1.0, least.stream_bytes)
    run.report.target(Target(f"{count} streams: memory of one to floor (c)'s", memory, most=1.5))
