"""`make crowd`: thousands of streams on one process, on PostgreSQL and Redis, against bounds.

What is a matter of the machine (a latency) stands beside a floor of the same run; what is not has a bound,
and one that is missed makes the run fail.
"""

import argparse
import contextlib
import json
import os
import resource
import sys
from pathlib import Path

import psycopg
import uvloop

from tests import servers
from tests.bench.stage import database, prepare, prepare_realm
from tests.crowd import measurements, unread
from tests.crowd.heavy import KEYS, heavy
from tests.crowd.load import register_many
from tests.crowd.measurements import Run
from tests.crowd.observed import Finding
from tests.live.processes import running_server


def allow_open_files() -> None:
    """Let this process and the server that it starts open as many files as may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def make_room(url: str, streams: int) -> None:
    """Let the realm hold the crowd twice: streams just dropped count until the server has noticed."""
    room = max(10_000, 2 * streams + 1_000)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE realms_realm SET max_sessions = %s, max_streams = %s", (room, room))


def heavy_keys(url: str, redis_url: str) -> tuple[list[str], str]:
    """Make the realm of heavy callers and another one; return the keys of the first, and one of the other."""
    of_heavy = prepare_realm(url, redis_url, "heavy", keys=KEYS)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE realms_realm SET memory_max_bytes = 1000000000 WHERE slug = 'heavy'")
    [other] = prepare_realm(url, redis_url, "other", keys=1)
    return of_heavy, other


async def measure(run: Run, options: argparse.Namespace) -> list[Finding]:
    """Run all measurements and return what they found, printed as they come."""
    findings: list[Finding] = []

    def add(found: list[Finding]) -> None:
        findings.extend(found)
        for finding in found:
            print(finding.line(), flush=True)

    run.sessions = await register_many(run.base, run.key, options.streams)
    await measurements.warm_up(run)
    found, floor_ms = await measurements.floor(run)
    add(found)
    crowd = run.crowd()
    add(await measurements.memory(run, crowd))
    add(await measurements.latency(run, crowd, floor_ms))
    add(await measurements.burst(run, crowd, options.burst))
    add(await unread.unread(run, crowd, options.big_messages))
    add(await measurements.come_back(run, crowd))
    add(await measurements.half_open(run, options.half_open))
    add(await measurements.pings(run, options.pings))  # last: a ping that is withdrawn leaves no place
    crowd.leave()
    return findings


def main() -> int:
    """Measure, print, and return 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each rate")
    parser.add_argument("--per-second", type=float, default=200.0)
    parser.add_argument("--burst", type=int, default=10_000, help="messages")
    parser.add_argument("--big-messages", type=int, default=100, help="to clients that do not read")
    parser.add_argument("--pings", type=int, default=200)
    parser.add_argument("--half-open", type=int, default=2000, help="connections")
    parser.add_argument("--heavy-only", action="store_true", help="measure the heavy callers alone")
    parser.add_argument("--json", type=Path, help="a file for the findings")
    options = parser.parse_args()
    allow_open_files()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(database())
        redis_url = os.environ.get("TEST_REDIS_URL") or stack.enter_context(servers.redis())
        keys = prepare(url, redis_url)
        make_room(url, options.streams)
        with running_server(url, redis_url) as server:
            findings = uvloop.run(heavy(server.base, server.process.pid, *heavy_keys(url, redis_url)))
        for finding in findings:
            print(finding.line(), flush=True)
        if not options.heavy_only:
            server = stack.enter_context(running_server(url, redis_url))
            key, pace = keys.limited, options.per_second
            run = Run(server.base, server.process.pid, url, key, [], options.seconds, pace)
            findings += uvloop.run(measure(run, options))
    if options.json:
        options.json.write_text(json.dumps([finding.as_json() for finding in findings], indent=2))
    return int(any(finding.missed for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
