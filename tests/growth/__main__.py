"""What a send and a poll take with ten thousand and with ten million messages, and beside work that is due.

On PostgreSQL and Redis, as `make bench`. Each line stands beside what an unknown path took just before, so
that lines can be compared although the machine's pace changes.
"""

import argparse
import asyncio
import contextlib
import os
import time
from collections.abc import Iterator

from celery import Celery

from tests import processes, servers
from tests.bench.delays import Delays
from tests.bench.stage import database, prepare
from tests.crowd.load import register_many
from tests.growth import load, rows
from tests.live.processes import ROOT, hosted_environment, server_process, worker_command

SIZES = (10_000, 1_000_000, 10_000_000)
DUE = 1_000_000
DUE_SECONDS = 900  # then what is left is told
SLICE_SECONDS = 15
# After a checkpoint, a page's first change writes the whole page: with 1,000 long inboxes each of the first
# sends changes several pages of its own, which no hub that has run for a while does.
WARM_UP_SECONDS = 30


def show(size: str, base: str, key: str, ids: list[str], seconds: float) -> None:
    """Measure once and print a line."""
    asyncio.run(load.sends(base, key, ids, WARM_UP_SECONDS))
    asyncio.run(load.polls(base, key, ids, WARM_UP_SECONDS / 3))
    floor = asyncio.run(load.nothing(base, key, seconds / 2))
    sent = asyncio.run(load.sends(base, key, ids, seconds))
    polled = asyncio.run(load.polls(base, key, ids, seconds))
    print(
        f"{size:>12}  floor p50 {floor.p50:5.1f} ms   send {sent}  {sent.p50 / floor.p50:4.2f}   "
        f"poll {polled}  {polled.p50 / floor.p50:4.2f}",
        flush=True,
    )


@contextlib.contextmanager
def worker(url: str, redis_url: str) -> Iterator[None]:
    """Run the periodic work."""
    environment = {**hosted_environment(url, redis_url, "http://127.0.0.1"), "LOG_LEVEL": "WARNING"}
    with processes.running(worker_command(), cwd=ROOT, env=environment):
        yield


def beside_due_work(
    task: str, due: str, url: str, redis_url: str, base: str, key: str, ids: list[str]
) -> None:
    """Measure sends before and while a task works off the messages that meet the condition `due`."""
    rows.settle(url)
    tasks = Celery(broker=redis_url)
    before = asyncio.run(load.sends(base, key, ids, SLICE_SECONDS))
    began, amount, slices = time.monotonic(), rows.count_of(url, due), []
    with worker(url, redis_url):
        while (left := rows.count_of(url, due)) and time.monotonic() - began < DUE_SECONDS:
            tasks.send_task(f"hub.tasks.{task}")  # more often than the schedule would
            slices.append(asyncio.run(load.sends(base, key, ids, SLICE_SECONDS)))
            print(f"  {left:>9} due   send {slices[-1]}", flush=True)
    took = time.monotonic() - began
    during = Delays([each for part in slices for each in part.each])
    print(
        f"{task}: {amount - left} in {took:.0f} s; send before {before}, meanwhile {during}: "
        f"p99 {during.p99 / before.p99:.2f} times",
        flush=True,
    )


def main() -> None:
    """Measure, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="messages, from small to large")
    parser.add_argument("--due", type=int, default=DUE, help="rows that are due at once; 0 leaves that out")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(database())
        redis_url = os.environ.get("TEST_REDIS_URL") or stack.enter_context(servers.redis())
        key = prepare(url, redis_url).limited
        base = stack.enter_context(server_process(url, redis_url))
        ids = asyncio.run(register_many(base, key, 1000))
        there = 0
        for size in options.sizes:
            rows.add(url, size - there, oldest="29 days", newest="1 hour")
            there = size
            rows.settle(url)
            show(f"{size:,}", base, key, ids, options.seconds)
        if options.due:
            arguments = (url, redis_url, base, key, ids)
            rows.add(url, options.due, oldest="2 hours", newest="1 hour", read=False, expired=True)
            beside_due_work("sweep_messages", "expires_at < now() AND NOT is_dropped", *arguments)
            rows.add(url, options.due, oldest="60 days", newest="31 days")
            beside_due_work("drop_old_messages", "sent_at < now() - interval '30 days'", *arguments)


if __name__ == "__main__":
    main()
