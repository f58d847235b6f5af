"""What sends, polls, delegates and reads of memory take as sessions, realms, grants and entries grow.

On PostgreSQL and Redis, as `make growth`. Each size is measured several times, in turns with a path that
is not there, and every figure is a multiple of what that took.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec
import psycopg

from realms.ids import SESSION
from tests import servers
from tests.bench.client import Connection
from tests.bench.delays import Delays
from tests.bench.stage import database, prepare
from tests.crowd.load import register_many
from tests.growth import load, rows
from tests.growth.copies import Copies, id_of_copy
from tests.live.processes import server_process

AT_FIRST = 100  # sessions
NAMESPACES = 1_000
UNDER_PREFIX = 20  # entries
Work = Callable[[str, str, list[str], float], Awaitable[Delays]]


@dataclass(frozen=True)
class Stage:
    """A hub that runs, and of what it holds copies are made.

    Attributes:
        ids: its first sessions. The first owns memory and may delegate to the second.
        grant: the id of the grant for that.
    """

    base: str
    key: str
    ids: list[str]
    grant: str


@dataclass(frozen=True)
class Kind:
    """What grows, to which numbers, and what is measured."""

    sizes: tuple[int, ...]
    add: Callable[[Copies, Stage, range], None]
    work: Mapping[str, Work]
    has_sessions: bool = False


def _sessions(copies: Copies, stage: Stage, numbers: range) -> None:
    copies.sessions(stage.ids[0], numbers)


def _realms(copies: Copies, stage: Stage, numbers: range) -> None:
    copies.realms(stage.ids[0], numbers)
    copies.sessions(stage.ids[0], numbers, in_realms=True)


def _grants(copies: Copies, stage: Stage, numbers: range) -> None:
    if numbers.start == 1:
        copies.sessions(stage.ids[0], range(1, NAMESPACES + 1))
    copies.grants(stage.grant, numbers, sessions=NAMESPACES)


def _entries(copies: Copies, stage: Stage, numbers: range) -> None:
    if numbers.start == 1:
        copies.sessions(stage.ids[0], range(1, NAMESPACES + 1))
        copies.namespaces("work", range(1, NAMESPACES + 1))
    copies.entries("work.notes.n0", numbers, namespaces=NAMESPACES)


MESSAGES: Mapping[str, Work] = {"send": load.sends, "poll": load.polls}
KINDS = {
    "sessions": Kind((0, 1_000, 10_000, 100_000), _sessions, MESSAGES, has_sessions=True),
    "realms": Kind((0, 100, 10_000), _realms, MESSAGES),
    "grants": Kind(
        (0, 1_000, 100_000), _grants, {**MESSAGES, "delegate": load.delegates, "read": load.reads}
    ),
    "entries": Kind((0, 1_000, 100_000), _entries, {"read": load.reads}),
}


async def begin(base: str, key: str) -> tuple[list[str], str]:
    """Register sessions, and return them with the id of the grant that the second gives the first."""
    connection = Connection(base)
    await connection.open()

    async def ask(path: str, as_session: str | None, body: object) -> dict[str, str]:
        headers = {"X_AISP_Session": as_session} if as_session else {}
        content = msgspec.json.encode(body)
        status, answer = await connection.call("POST", f"/api/v1/{path}", key, content, **headers)
        assert status == 200, answer
        return dict(msgspec.json.decode(answer))

    pair = [
        (await ask("sessions", None, {"name": name, "kind": "service", "capabilities": [load.CAPABILITY]}))[
            "id"
        ]
        for name in ("first", "second")
    ]
    grant = (await ask("grants", pair[0], {"to": pair[1], "capability": load.CAPABILITY}))["grant_id"]
    await ask(f"grants/{grant}/approve", pair[1], {})
    entries = [{"key": f"{load.PREFIX}.n{number}", "value": "x" * 100} for number in range(UNDER_PREFIX)]
    await ask("memory", pair[0], {"entries": entries})
    connection.writer.close()
    return pair + await register_many(base, key, AT_FIRST - len(pair)), grant


async def measured(stage: Stage, kind: Kind, size: int, seconds: float, turns: int) -> dict[str, float]:
    """Return the p50 of each work as a multiple of the floor's, the median of several turns."""
    everybody = stage.ids + [id_of_copy(SESSION, n) for n in range(1, size + 1) if kind.has_sessions]
    found: dict[str, list[float]] = {name: [] for name in kind.work}
    for turn in range(turns + 1):
        floor = await load.nothing(stage.base, stage.key, seconds / 2)
        for name, work in kind.work.items():
            if name == "poll":  # there has to be something to read
                await load.sends(stage.base, stage.key, stage.ids, seconds)
            ids = everybody if name == "send" else stage.ids
            delays = await work(stage.base, stage.key, ids, seconds)
            if turn:  # the first one warms up
                found[name].append(delays.p50 / floor.p50)
    return {name: statistics.median(multiples) for name, multiples in found.items()}


def grow(name: str, seconds: float, turns: int) -> None:
    """Measure one kind and print what came out."""
    kind, there = KINDS[name], 0
    first: dict[str, float] = {}
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(database())
        redis_url = os.environ.get("TEST_REDIS_URL") or stack.enter_context(servers.redis())
        key = prepare(url, redis_url).limited
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE realms_realm SET inbox_limit = 1000000")
        base = stack.enter_context(server_process(url, redis_url))
        stage = Stage(base, key, *asyncio.run(begin(base, key)))
        for size in kind.sizes:
            if size > there:
                with psycopg.connect(url) as connection:
                    kind.add(Copies(connection), stage, range(there + 1, size + 1))
            there = size
            rows.settle(url)
            multiples = asyncio.run(measured(stage, kind, size, seconds, turns))
            first = first or multiples
            told = [
                f"{work} {each:5.2f} ({each / first[work]:4.2f} of the first)"
                for work, each in multiples.items()
            ]
            print(f"{size:>8,} {name:10}", *told, sep="  ", flush=True)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=list(KINDS), metavar="kind", help=", ".join(KINDS))
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    for name in options.kinds:
        grow(name, options.seconds, options.turns)


if __name__ == "__main__":
    main()
