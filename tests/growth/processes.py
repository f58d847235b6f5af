"""Measure the pools for requests and for streams behind nginx, with one process each and with two.

This machine's cores are shared by all of it and by the clients, so a second process brings what they have to
spare. What holds elsewhere too is the CPU time that a request takes of each part.

    python -m tests.growth.processes
"""

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench.delays import Delays
from tests.crowd.load import register_many, senders
from tests.crowd.streams import Crowd
from tests.deploy.stack import Stack, running_stack
from tests.growth import load

INBOXES = 1000
STREAMS = 400
SENDERS = 8
TICKS = os.sysconf("SC_CLK_TCK")
OTHERS = {"postgres", "redis-server", "nginx"}  # by name; the hub's processes are known by their roles


def cpu_seconds(hub: Stack) -> dict[str, float]:
    """Return the CPU time that each part has taken so far, children included."""
    roles = {role.process.pid: role.name for role in hub.roles.values() if role.process}
    spent: defaultdict[str, float] = defaultdict(float)
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = status.read_text().split("(", 1)[1].rsplit(") ", 1)
        except FileNotFoundError:  # it has ended
            continue
        # proc(5): session, utime and stime are fields 6, 14 and 15; `fields` begins at the third.
        session, *ticks = (int(fields.split()[i]) for i in (3, 11, 12))
        if part := roles.get(session) or (name if name in OTHERS else ""):
            spent[part] += sum(ticks) / TICKS
    return spent


async def costed(hub: Stack, work: Callable[[], Awaitable[Delays]]) -> str:
    """Run work, and return its rate, its times, and what one of it took of each part."""
    before, began = cpu_seconds(hub), time.perf_counter()
    times = await work()
    took, count = time.perf_counter() - began, len(times.each)
    spent = {part: seconds - before.get(part, 0.0) for part, seconds in cpu_seconds(hub).items()}
    most = sorted(spent, key=lambda part: -spent[part])[:5]
    each = "  ".join(f"{part} {spent[part] / count * 1000:.2f}" for part in most)
    return f"{count / took:6.0f}/s  {times}   CPU of each, ms: {each}"


async def pushes(hub: Stack, crowd: Crowd, seconds: float, per_second: float) -> Delays:
    """Send to streams that are open, and return how long each message was on its way."""
    recipients = random.choices(list(crowd.open), k=round(seconds * per_second))
    async with senders(hub.base, hub.key, SENDERS) as sending:
        sent = await sending.steadily(recipients, per_second)
    assert await crowd.missing(sent.began, seconds=10) == 0
    return Delays([crowd.arrived[number] - at for number, at in sent.began.items()])


async def measure(hub: Stack, seconds: float, per_second: float) -> None:
    """Print what this hub carries."""
    ids = await register_many(hub.base, hub.key, INBOXES)
    await load.sends(hub.base, hub.key, ids, 2)
    print("  sends ", await costed(hub, lambda: load.sends(hub.base, hub.key, ids, seconds)))
    print("  polls ", await costed(hub, lambda: load.polls(hub.base, hub.key, ids, seconds)))
    crowd = Crowd(hub.base, hub.key)
    await crowd.join(await register_many(hub.base, hub.key, STREAMS))
    print("  pushes", await costed(hub, lambda: pushes(hub, crowd, seconds, per_second)), flush=True)
    crowd.leave()


def main() -> None:
    """Measure one and two of each, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--per-second", type=float, default=100.0, help="messages to streams")
    options = parser.parse_args()
    for of_each in (1, 2, 1, 2):  # in turns, since the machine's pace changes
        with (
            tempfile.TemporaryDirectory(prefix="aisp-hub-growth-") as folder,
            running_stack(Path(folder), of_each=of_each) as hub,
        ):
            os.environ["SSL_CERT_FILE"] = str(hub.certificate)
            print(f"{of_each} web, {of_each} streams, {STREAMS} streams open for pushes:", flush=True)
            asyncio.run(measure(hub, options.seconds, options.per_second))
            del os.environ["SSL_CERT_FILE"]


if __name__ == "__main__":
    main()
