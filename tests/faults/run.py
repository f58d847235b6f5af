"""One run: a hub and its clients, faults by a plan, the end of all faults, and the verdict."""

import asyncio
import contextlib
import os
import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import faults
from tests.faults.caller import Caller, Stage
from tests.faults.cast import Cast, gathered
from tests.faults.checker import violations
from tests.faults.cluster import Cluster, embedded, hosted
from tests.faults.history import Call, History, Outcome, StreamEvent, now
from tests.faults.inbox_readers import Streamer, read_all
from tests.faults.invariants.violation import Violation
from tests.faults.proxy import Proxy
from tests.faults.view import View
from tests.live.processes import ROOT

HISTORIES = ROOT / ".faults"
# After the last fault: sends go on for a while, then everybody has this long to finish.
CALM_SECONDS = 2.0
FINISH_SECONDS = 25.0
CATCH_UP_SECONDS = 15.0
DISK_MEGABYTES = 64


@dataclass(frozen=True)
class Plan:
    """What is run.

    Attributes:
        scenario: `postgres` (two servers, a worker, PostgreSQL and Redis) or `sqlite` (one process).
        pace: how fast the clients go, where 1 is a few calls a second each.
        own_disk: put the data of `sqlite` on a small disk and add to the kinds that it is filled.
    """

    scenario: str
    seed: int
    seconds: float
    kinds: tuple[faults.Kind, ...]
    between: tuple[float, float] = faults.SECONDS_BETWEEN
    frozen_seconds: float = 10.0
    pace: float = 1.0
    own_disk: bool = True


@dataclass
class Verdict:
    """What came of a run."""

    plan: Plan
    path: Path
    acknowledged: int
    maybe: int
    received: int
    unavailable: int
    faults: Counter[str]
    violations: list[Violation]
    left_out: list[str] = field(default_factory=list)


def run(plan: Plan) -> Verdict:
    """Run a plan, and check its history.

    Raises:
        servers.Missing: the scenario needs a server that is not installed.
    """
    path = HISTORIES / f"{plan.scenario}-{plan.seed}-{os.getpid()}.jsonl"
    history = History(path)
    chance = random.Random(f"cluster {plan.seed}")
    left_out: list[str] = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aisp-hub-faults-")))
        stack.callback(history.close)
        kinds, ballast = plan.kinds, None
        if plan.scenario == "sqlite":
            data = folder / "data"
            data.mkdir()
            if plan.own_disk and stack.enter_context(_own_disk(data)):
                kinds, ballast = (*kinds, faults.ON_OWN_DISK), data / "ballast"
            elif plan.own_disk:
                left_out.append("a disk that is really full: a tmpfs cannot be mounted here")
            cluster = stack.enter_context(embedded(history, chance, folder, data))
        else:
            cluster = stack.enter_context(hosted(history, chance, folder))
        keys = cluster.found("north", "south")
        asyncio.run(_perform(plan, kinds, cluster, keys, ballast))
        for part in cluster.parts:
            if part.log.exists():
                path.with_suffix(f".{part.name}.log").write_bytes(part.log.read_bytes())
    verdict = judge(plan, history, path)
    verdict.left_out = left_out
    return verdict


def judge(plan: Plan, history: History, path: Path) -> Verdict:
    """Return what a history shows."""
    view = View(history)
    outcomes = Counter(send.outcome for send in view.sends.values())
    events = sum(isinstance(record, StreamEvent) for record in history.records)
    polled = sum(len(call.answer["messages"]) for call in history.calls("poll", "recover") if call.ok)
    return Verdict(
        plan=plan,
        path=path,
        acknowledged=outcomes[Outcome.OK],
        maybe=outcomes[Outcome.MAYBE],
        received=events + polled,
        unavailable=sum(isinstance(each, Call) and each.status == 503 for each in history.records),
        faults=Counter(fault.name for fault in history.faults()),
        violations=violations(history),
    )


async def _perform(
    plan: Plan, kinds: tuple[faults.Kind, ...], cluster: Cluster, keys: dict[str, str], ballast: Path | None
) -> None:
    for part in cluster.parts:
        part.start()
    await cluster.ready()
    proxy = Proxy([part.port for part in cluster.serving if part.port], random.Random(f"proxy {plan.seed}"))
    await proxy.start()
    stage = Stage(cluster.history, f"http://127.0.0.1:{proxy.port}", plan.seed, plan.pace)
    scene = faults.Scene(cluster, proxy, random.Random(f"scene {plan.seed}"), plan.frozen_seconds, ballast)
    cast = await gathered(stage, keys)
    chance = random.Random(f"plan {plan.seed}")
    planned = faults.schedule(kinds, plan.seconds, chance, plan.between)
    supervisor = asyncio.create_task(cluster.supervise())
    streams = [asyncio.create_task(streamer.run()) for streamer in cast.streamers]
    acting = [asyncio.create_task(each) for each in cast.acting()]
    polling = [asyncio.create_task(poller.run()) for poller in cast.pollers]
    try:
        await faults.inject_all(planned, scene)
        await cluster.ready()
        await asyncio.sleep(CALM_SECONDS)
        await _finish(stage, cast, acting, polling, streams)
    finally:
        for task in (supervisor, *streams, *acting, *polling):
            task.cancel()
        await asyncio.gather(supervisor, *streams, *acting, *polling, return_exceptions=True)
        await cast.close()
        await proxy.stop()


async def _finish(
    stage: Stage,
    cast: Cast,
    acting: list[asyncio.Task[None]],
    polling: list[asyncio.Task[None]],
    streams: list[asyncio.Task[None]],
) -> None:
    """Let everybody come to an end, and read all inboxes from start to end."""
    stage.give_up = now() + FINISH_SECONDS
    stage.still.set()
    await asyncio.gather(*acting)
    stage.dry.set()
    await asyncio.gather(*polling)
    await asyncio.gather(*(_caught_up(streamer) for streamer in cast.streamers))
    for task in streams:
        assert not task.done(), task
        task.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
    stage.give_up = now() + FINISH_SECONDS
    await asyncio.gather(*(read_all(reader, "final") for reader in cast.last_readers))


async def _caught_up(streamer: Streamer) -> None:
    """Return once a streamer has its inbox's last message, or has had time enough to get it."""
    caller: Caller = streamer.caller
    deadline = now() + CATCH_UP_SECONDS
    while now() < deadline:
        arguments = {"after": streamer.last, "limit": 1}
        query = {"after": streamer.last, "peek": "true", "limit": 1}
        call = await caller.call("look", "GET", "/messages", arguments, params=query)
        if call.ok and not call.answer["messages"]:
            return
        await asyncio.sleep(0.2)


@contextlib.contextmanager
def _own_disk(folder: Path) -> Iterator[bool]:
    """Mount a small disk on a folder; tell whether that is possible here."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "aisp-hub-faults", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
