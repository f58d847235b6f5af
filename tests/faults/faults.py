"""What is done to a running hub, and when: a schedule made from a seed."""

import asyncio
import contextlib
import os
import random
import resource
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import redis as redis_client

from tests.faults.cluster import Cluster, Part
from tests.faults.history import Fault, now
from tests.faults.proxy import Proxy
from tests.servers import Server

SECONDS_BETWEEN = (2.0, 4.0)
# The one process is away during each of its faults, and something has to be acknowledged in between.
SECONDS_BETWEEN_EMBEDDED = (4.0, 7.0)
TWO_AT_ONCE_SHARE = 0.2
TERMINATES_WITHIN_SECONDS = 15.0
FULL_SECONDS = 2.5
# A little of the log fits yet: the disk is not full at once but in the middle of something.
ROOM_BYTES = 65_536
SQLITE_LOG = "hub.sqlite3-wal"


@dataclass
class Scene:
    """What faults are done to."""

    cluster: Cluster
    proxy: Proxy
    random: random.Random
    frozen_seconds: float
    ballast: Path | None = None  # on a disk of its own that can be filled

    def server(self) -> Part:
        """Choose a server process."""
        return self.random.choice(self.cluster.serving)


# What a fault returns is noted with it.
Inject = Callable[[Scene], Awaitable[str]]


async def kill_server(scene: Scene) -> str:
    """SIGKILL a server process; it is healed when it answers again."""
    part = scene.server()
    part.signal(signal.SIGKILL)
    if part.process:
        await asyncio.to_thread(part.process.wait)
    await scene.cluster.answers(part)
    return part.name


async def kill_worker(scene: Scene) -> str:
    """SIGKILL the worker."""
    scene.cluster.part("worker").signal(signal.SIGKILL)
    return ""


async def kill_redis(scene: Scene) -> str:
    """SIGKILL Redis, which comes back empty."""
    redis = scene.cluster.redis
    assert redis
    await _restart(redis, signal.SIGKILL, after=scene.random.uniform(0.2, 2.0))
    return ""


async def flush_redis(scene: Scene) -> str:
    """FLUSHALL."""
    assert scene.cluster.redis
    with contextlib.closing(redis_client.Redis.from_url(scene.cluster.redis.url)) as client:
        await asyncio.to_thread(client.flushall)
    return ""


async def crash_postgresql(scene: Scene) -> str:
    """Shut PostgreSQL down without a word to anybody, and start it on the same data."""
    postgresql = scene.cluster.postgresql
    assert postgresql
    await _restart(postgresql, signal.SIGQUIT, after=scene.random.uniform(0.0, 1.0))
    return ""


async def _restart(server: Server, how: signal.Signals, *, after: float) -> None:
    """End a server by a signal, and start it again after some seconds."""
    await asyncio.to_thread(server.end, how)
    await asyncio.sleep(after)
    await asyncio.to_thread(server.start)


async def freeze_postgresql(scene: Scene) -> str:
    """SIGSTOP all processes of PostgreSQL for 3 s."""
    postgresql = scene.cluster.postgresql
    assert postgresql
    pids = postgresql.pids()
    try:
        _signal_all(pids, signal.SIGSTOP)
        await asyncio.sleep(3.0)
    finally:
        _signal_all(pids, signal.SIGCONT)
    return f"{len(pids)} processes"


async def freeze_server(scene: Scene) -> str:
    """SIGSTOP a server process for a while."""
    part = scene.server()
    try:
        part.signal(signal.SIGSTOP)
        await asyncio.sleep(scene.frozen_seconds)
    finally:
        part.signal(signal.SIGCONT)
    return part.name


async def terminate_server(scene: Scene) -> str:
    """SIGTERM a server process in the middle of its streams; SIGKILL if it does not end."""
    part = scene.server()
    process = part.process
    part.signal(signal.SIGTERM)
    began = now()
    while process and process.poll() is None:
        if now() - began > TERMINATES_WITHIN_SECONDS:
            part.signal(signal.SIGKILL)
            return f"{part.name} had to be killed"
        await asyncio.sleep(0.1)
    return f"{part.name} ended after {now() - began:.1f} s"


async def cut_connections(scene: Scene) -> str:
    """Cut half of the connections, and of those that are opened meanwhile, at a random byte."""
    scene.proxy.cutting = True
    count = scene.proxy.cut_some()
    try:
        await asyncio.sleep(1.0)
        count += scene.proxy.cut_some()
    finally:
        scene.proxy.cutting = False
    return f"{count} open connections"


async def limit_file_size(scene: Scene) -> str:
    """Let no file of the process grow: a full disk, as far as SQLite can tell."""
    [part] = scene.cluster.serving
    if part.process is None or scene.cluster.data is None:
        return "the process was not running"
    log = scene.cluster.data / SQLITE_LOG
    bound = min(log.stat().st_size if log.exists() else 0, ROOM_BYTES)
    pid = part.process.pid
    try:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (bound, resource.RLIM_INFINITY))
        await asyncio.sleep(FULL_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return f"{bound} bytes"


async def fill_disk(scene: Scene) -> str:
    """Fill the disk that the data is on."""
    assert scene.ballast
    try:
        with contextlib.suppress(OSError), scene.ballast.open("wb", buffering=0) as ballast:
            while ballast.write(bytes(ROOM_BYTES)):
                pass
        size = scene.ballast.stat().st_size
        await asyncio.sleep(FULL_SECONDS)
    finally:
        scene.ballast.unlink(missing_ok=True)
    return f"{size} bytes of ballast"


@dataclass(frozen=True)
class Kind:
    """A fault, and what it is done to: one thing suffers one fault at a time."""

    inject: Inject
    target: str

    @property
    def name(self) -> str:
        """Its name in histories and tables."""
        return self.inject.__name__


HOSTED = (
    Kind(kill_server, "servers"),
    Kind(terminate_server, "servers"),
    Kind(freeze_server, "servers"),
    Kind(kill_worker, "worker"),
    Kind(kill_redis, "redis"),
    Kind(flush_redis, "redis"),
    Kind(crash_postgresql, "postgresql"),
    Kind(freeze_postgresql, "postgresql"),
    Kind(cut_connections, "connections"),
)
EMBEDDED = (
    Kind(kill_server, "servers"),
    Kind(limit_file_size, "servers"),
    Kind(cut_connections, "connections"),
)
ON_OWN_DISK = Kind(fill_disk, "servers")


@dataclass(frozen=True)
class Planned:
    """Faults to begin at a moment, in seconds from the start."""

    at: float
    kinds: tuple[Kind, ...]


def schedule(
    kinds: tuple[Kind, ...], seconds: float, chance: random.Random, between: tuple[float, float]
) -> list[Planned]:
    """Make a plan: each kind once in a random order, then any, now and then two at once."""
    plan: list[Planned] = []
    pending: list[Kind] = []
    at = chance.uniform(*between) / 2
    while at < seconds:
        chosen: list[Kind] = []
        for _ in range(2 if chance.random() < TWO_AT_ONCE_SHARE else 1):
            pending = pending or chance.sample(kinds, len(kinds))
            chosen.append(pending.pop())
        plan.append(Planned(at, tuple(chosen)))
        at += chance.uniform(*between)
    return plan


async def inject_all(plan: list[Planned], scene: Scene) -> None:
    """Carry a plan out, and return when everything is healed."""
    busy: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
    began = now()
    async with asyncio.TaskGroup() as group:
        for planned in plan:
            await asyncio.sleep(max(0.0, began + planned.at - now()))
            for kind in planned.kinds:
                group.create_task(_inject(kind, scene, busy[kind.target]))


async def _inject(kind: Kind, scene: Scene, free: asyncio.Lock) -> None:
    async with free, _noted(kind.name, scene) as notes:
        notes.append(await kind.inject(scene))


@contextlib.asynccontextmanager
async def _noted(name: str, scene: Scene) -> AsyncIterator[list[str]]:
    began, notes = now(), list[str]()
    yield notes
    scene.cluster.history.note(Fault(name, began, now(), " ".join(notes)))


def _signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
