"""The measurements; each returns what it found."""

import asyncio
import contextlib
import random
import statistics
import time
from dataclasses import dataclass

import psycopg

from tests.bench.client import Connection
from tests.crowd.load import Senders, senders
from tests.crowd.observed import Finding, Footprint, footprint
from tests.crowd.streams import Crowd

SENDERS = 8
FLOOR_STREAMS = 20
WARM_UP_STREAMS = 100
SETTLE_SECONDS = 5.0
RATE_REACHED = 0.95
STREAM_KIB = 25.0
RETURN_SECONDS = 60.0
AWAY_MESSAGES = 1000
BESIDE_SENDS = 50.0  # a second, beside pings and half-open connections
PING_SECONDS = 2.0  # of the 5 that a ping waits
PING_ROUNDS = 5
HALF_OPEN_SENDING_SECONDS = 8.0  # of the 10 that the server gives a head
HALF_OPEN_SECONDS = 20.0


@dataclass
class Run:
    """What all measurements of a run share."""

    base: str
    pid: int
    database_url: str
    key: str
    sessions: list[str]
    seconds: float
    per_second: float

    async def footprint(self) -> Footprint:
        """Look at the server."""
        return await footprint(self.pid, self.database_url)

    def crowd(self) -> Crowd:
        """Return a crowd without streams."""
        return Crowd(self.base, self.key)

    def recipients(self, among: list[str], seconds: float, per_second: float) -> list[str]:
        """Return random recipients for this long at this rate."""
        return random.choices(among, k=round(seconds * per_second))


def percentiles(seconds: list[float]) -> tuple[float, float, float]:
    """Return the median, the 99th percentile and the maximum, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return cuts[49] * 1000, cuts[98] * 1000, max(seconds) * 1000


def growth(name: str, before: Footprint, after: Footprint) -> list[Finding]:
    """Return by how much threads and database connections grew, which they must not."""
    threads, connections = before.threads, before.database_connections
    return [
        Finding(name, "threads more", after.threads - threads, "", 0, note=f"of {threads}"),
        Finding(
            name,
            "database connections more",
            after.database_connections - connections,
            "",
            0,
            note=f"of {connections}",
        ),
    ]


async def warm_up(run: Run) -> None:
    """Open and close some streams, so that what the server makes once is made."""
    crowd = run.crowd()
    await crowd.join(run.sessions[:WARM_UP_STREAMS])
    crowd.leave()
    await asyncio.sleep(SETTLE_SECONDS)


async def loaded(run: Run, crowd: Crowd, name: str) -> tuple[list[Finding], float]:
    """Send at the rate to streams that are open; return what was found and the p99 from acceptance, ms."""
    async with senders(run.base, run.key, SENDERS) as load:
        among = list(crowd.open)
        sent = await load.steadily(run.recipients(among, run.seconds, run.per_second), run.per_second)
    lost = await crowd.missing(sent.began, seconds=10)
    reached = RATE_REACHED * run.per_second
    findings = [
        Finding(name, "messages sent a second", sent.per_second, "/s", at_least=reached),
        Finding(name, "messages lost", lost, "", 0),
    ]
    p99 = 0.0
    for what, since in (("accepted", sent.accepted), ("send begun", sent.began)):
        delays = [max(0.0, crowd.arrived[n] - at) for n, at in since.items() if n in crowd.arrived]
        p50, p99_here, most = percentiles(delays)
        p99 = p99 or p99_here
        for part, value in (("p50", p50), ("p99", p99_here), ("max", most)):
            findings.append(Finding(name, f"{what} to event, {part}", value, "ms"))
    return findings, p99


async def floor(run: Run) -> tuple[list[Finding], float]:
    """Measure the latency with a few streams open."""
    crowd = run.crowd()
    await crowd.join(run.sessions[:FLOOR_STREAMS])
    await asyncio.sleep(1)
    found = await loaded(run, crowd, "floor")
    crowd.leave()
    await asyncio.sleep(SETTLE_SECONDS)
    return found


async def memory(run: Run, crowd: Crowd) -> list[Finding]:
    """Open all streams, and see what they cost."""
    before, began = await run.footprint(), time.perf_counter()
    await crowd.join(run.sessions)
    took = time.perf_counter() - began
    await asyncio.sleep(SETTLE_SECONDS)
    after = await run.footprint()
    each = (after.rss_kib - before.rss_kib) / len(run.sessions)
    note = f"{before.rss_kib / 1024:.0f} to {after.rss_kib / 1024:.0f} MiB"
    return [
        Finding("memory", "a stream", each, "KiB", STREAM_KIB, note=note),
        *growth("memory", before, after),
        Finding("memory", "opening all", took, "s"),
        Finding("memory", "streams that ended by themselves", crowd.ended, "", 0),
    ]


async def latency(run: Run, crowd: Crowd, floor_ms: float) -> list[Finding]:
    """Measure the latency with all streams open."""
    findings, p99 = await loaded(run, crowd, "latency")
    return [*findings, Finding("latency", "p99 in p99s of the floor", p99 / floor_ms, "")]


async def burst(run: Run, crowd: Crowd, messages: int, connections: int = 16) -> list[Finding]:
    """Send to all streams as fast as the connections can."""
    crowd.numbers.clear()
    async with senders(run.base, run.key, connections) as load:
        began = time.perf_counter()
        sent = await load.at_once(list(crowd.open), messages)
    lost = await crowd.missing(sent.began, seconds=60)
    last = max(crowd.arrived[n] for n in sent.began if n in crowd.arrived)
    disordered = sum(numbers != sorted(set(numbers)) for numbers in crowd.numbers.values())
    return [
        Finding("burst", "messages lost", lost, "", 0),
        Finding("burst", "streams out of order or with doubles", disordered, "", 0),
        Finding("burst", "messages sent a second", sent.per_second, "/s"),
        Finding("burst", "events a second", (messages - lost) / (last - began), "/s"),
    ]


async def come_back(run: Run, crowd: Crowd) -> list[Finding]:
    """Drop all streams, send to some sessions, and have everybody return at once."""
    sessions = list(crowd.open)
    crowd.leave()
    async with senders(run.base, run.key, SENDERS) as load:
        away = random.sample(sessions, min(AWAY_MESSAGES, len(sessions)))
        sent = await load.at_once(away, len(away))
    crowd.answers.clear()
    began = time.perf_counter()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2 * RETURN_SECONDS):
            await crowd.come_back(sessions)
    lost = await crowd.missing(sent.began, seconds=30)
    took = time.perf_counter() - began
    errors = sum(count for status, count in crowd.answers.items() if status >= 500)
    refused = sum(count for status, count in crowd.answers.items() if status not in (0, 200))
    return [
        Finding("return", "until all are open and caught up", took, "s", RETURN_SECONDS),
        Finding("return", "streams not open", len(sessions) - len(crowd.open), "", 0),
        Finding("return", "messages lost", lost, "", 0),
        Finding("return", "answers 5xx", errors, "", 0),
        Finding("return", "answers other than 200", refused, "", note=str(dict(crowd.answers))),
        Finding("return", "connections without an answer", crowd.answers[0], ""),
    ]


async def pings(run: Run, count: int) -> list[Finding]:
    """Have pings wait for sessions that do not answer, and see what else is slowed down meanwhile."""
    quiet: list[float] = []
    busy: list[float] = []
    waited = count
    async with senders(run.base, run.key, SENDERS) as load:
        before = during = await run.footprint()
        for _ in range(PING_ROUNDS):
            quiet += await _sends(run, load, PING_SECONDS)
            waiting = [asyncio.create_task(_ping(run, session)) for session in run.sessions[:count]]
            await _until_waiting(run, count)
            during = await run.footprint()
            busy += await _sends(run, load, PING_SECONDS)
            waited = min(waited, sum(not task.done() for task in waiting))
            await asyncio.gather(*waiting)
    return [
        Finding("pings", "waiting at once", waited, "", at_least=min(count, len(run.sessions))),
        *growth("pings", before, during),
        *_beside("pings", quiet, busy),
    ]


async def _ping(run: Run, session: str) -> None:
    connection = Connection(run.base)
    await connection.open()
    with contextlib.suppress(asyncio.IncompleteReadError):
        await connection.call("POST", f"/api/v1/sessions/{session}/ping", run.key, b"{}")
    connection.writer.close()


async def _until_waiting(run: Run, count: int) -> None:
    """Wait until so many pings are on their way: sending them takes time too, and is not waiting."""
    async with await psycopg.AsyncConnection.connect(run.database_url, autocommit=True) as connection:
        query = "SELECT count(*) FROM hub_ping WHERE answered_at IS NULL AND expires_at > clock_timestamp()"
        while (await (await connection.execute(query)).fetchone() or (0,))[0] < count:
            await asyncio.sleep(0.02)


async def half_open(run: Run, count: int) -> list[Finding]:
    """Have clients begin requests that they do not finish, and see what else is slowed down."""
    before = await run.footprint()
    clients = [Connection(run.base) for _ in range(count)]
    async with senders(run.base, run.key, SENDERS) as load:
        quiet = await _sends(run, load, HALF_OPEN_SENDING_SECONDS)
        await asyncio.gather(*(client.open() for client in clients))
        for client in clients:
            client.writer.write(b"GET /api/v1/sessions HTTP/1.1\r\nX-Slow: ")
        busy = await _sends(run, load, HALF_OPEN_SENDING_SECONDS)
    during = await run.footprint()
    async with asyncio.timeout(HALF_OPEN_SECONDS):
        ends = await asyncio.gather(*(client.reader.read() for client in clients))
    for client in clients:
        client.writer.close()
    return [
        Finding("half-open", "connections", count, ""),
        Finding("half-open", "not refused in time", sum(b" 408 " not in end for end in ends), "", 0),
        *growth("half-open", before, during),
        *_beside("half-open", quiet, busy),
    ]


async def _sends(run: Run, load: Senders, seconds: float) -> list[float]:
    """Send to some at a modest rate; return how long each send took, in seconds."""
    to = run.recipients(run.sessions, seconds, BESIDE_SENDS)
    return (await load.steadily(to, BESIDE_SENDS)).waits()


def _beside(name: str, quiet: list[float], busy: list[float]) -> list[Finding]:
    """Return how long a send took before and during what is measured."""
    findings = []
    for which, waits in (("before", quiet), ("during", busy)):
        p50, p99, _ = percentiles(waits)
        findings.append(Finding(name, f"a send {which}, p50", p50, "ms"))
        findings.append(Finding(name, f"a send {which}, p99", p99, "ms"))
    return findings
