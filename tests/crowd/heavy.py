"""Heavy callers: what they take of a process, and what another tenant notices."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.client import Connection, envelope, register
from tests.crowd.observed import Finding, rss_kib

KEYS = 8
WRITERS = FAULTY = 8
READERS = (16, 200)  # slow ones, in two runs
SECONDS = 15.0
LARGE_MESSAGES = 40  # of 250 KiB, more than two pages
LARGE_BYTES = 250 * 1024
READS_A_SECOND = 50.0
READING_CONNECTIONS = 5
LOOK_SECONDS = 0.05
PROCESS_KIB = 400 * 1024.0
SLOWER = 5.0  # times


@dataclass
class Peaks:
    """The most memory that was seen, in KiB."""

    server: int = 0
    beside: int = 0  # of the processes that the server has started


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


async def _watch(pid: int, peaks: Peaks) -> None:
    while True:
        peaks.server = max(peaks.server, rss_kib(pid))
        beside = 0
        for child in _children(pid):
            with suppress(OSError, ProcessLookupError):
                beside += rss_kib(child)
        peaks.beside = max(peaks.beside, beside)
        await asyncio.sleep(LOOK_SECONDS)


async def _reads(base: str, key: str, seconds: float) -> list[float]:
    """Read a list again and again, at a steady rate, and return how long each took, in ms."""
    waits: list[float] = []

    async def read() -> None:
        connection = Connection(base)
        await connection.open()
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            status, content = await connection.call("GET", "/api/v1/sessions", key)
            assert status == 200, content
            took = time.perf_counter() - began
            waits.append(took * 1000)
            await asyncio.sleep(max(0.0, READING_CONNECTIONS / READS_A_SECOND - took))
        connection.writer.close()

    await asyncio.gather(*(read() for _ in range(READING_CONNECTIONS)))
    return waits


def _p99(waits: list[float]) -> float:
    return statistics.quantiles(waits, n=100)[98]


@asynccontextmanager
async def _load(plan: dict[str, Any], counts: dict[str, int]) -> AsyncIterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crowd.heavy_load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(plan) + "\n")
    process.stdin.flush()
    try:
        yield
    finally:
        said, _ = await asyncio.to_thread(process.communicate)
        counts.update(json.loads(said))


async def _callers(base: str, keys: list[str]) -> list[tuple[str, str]]:
    """Register a session with each key and fill its inbox; return keys and sessions."""
    callers = []
    for number, key in enumerate(keys):
        connection = Connection(base)
        await connection.open()
        session = await register(connection, key, f"heavy-{number}")
        body = envelope(session, session, x="x" * LARGE_BYTES)
        for _ in range(LARGE_MESSAGES):
            status, content = await connection.call("POST", "/api/v1/messages", key, body)
            assert status == 200, content
        connection.writer.close()
        callers.append((key, session))
    return callers


async def heavy(base: str, pid: int, keys: list[str], other: str) -> list[Finding]:
    """Measure a process that heavy callers attack.

    Args:
        keys: of the attackers.
        other: a key of another tenant.
    """
    parts = urlsplit(base)
    callers = await _callers(base, keys)
    connection = Connection(base)
    await connection.open()
    await register(connection, other, "reader")
    await _reads(base, other, 2.0)
    normal = _p99(await _reads(base, other, SECONDS))
    found = [Finding("heavy", "p99 of another tenant's reads, alone", normal, "ms")]
    for readers in READERS:
        what, peaks, counts = f"heavy, {readers}", Peaks(), dict[str, int]()
        plan = {"base": base, "address": [parts.hostname, parts.port], "callers": callers, "readers": readers}
        plan |= {"writers": WRITERS, "faulty": FAULTY}
        watch = asyncio.create_task(_watch(pid, peaks))
        async with _load(plan, counts):
            await asyncio.sleep(3.0)
            waits = await _reads(base, other, SECONDS)
        watch.cancel()
        print(f"{what}: {counts}", flush=True)
        found += [
            Finding(what, "memory of the process", peaks.server / 1024, "MiB", at_most=PROCESS_KIB / 1024),
            Finding(what, "memory of the processes beside it", peaks.beside / 1024, "MiB"),
            Finding(what, "p50 of another tenant's reads", statistics.median(waits), "ms"),
            Finding(what, "p99 of another tenant's reads", _p99(waits), "ms"),
            Finding(what, "p99 as a multiple of that alone", _p99(waits) / normal, "x", at_most=SLOWER),
        ]
        await asyncio.sleep(35.0)  # the server has cut off who did not read
    return found
