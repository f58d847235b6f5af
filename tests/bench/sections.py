"""What is measured of requests: sends, polls, memory."""

import asyncio
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import msgspec
import psycopg

from tests.bench import floor_statements, programs, wire
from tests.bench.alone import pgbench_sends, psycopg_polls
from tests.bench.client import Connection, register, token_of
from tests.bench.floor_statements import POLLED
from tests.bench.load import ONCE
from tests.bench.programs import FLOORS, Program
from tests.bench.report import Target
from tests.bench.rounds import Contender, compare
from tests.bench.run import CLIENTS, SESSIONS, Run
from tests.growth import rows
from tests.live.processes import ROOT

MIX = 250  # requests of a connection, then they come again
FILLED = 30_000  # unread messages that are added to the inboxes before a turn of polls
ENTRIES = 160  # of memory, so that all are written before they are read

HUB = "hub, `serve`"
FLOOR_A = "floor: Starlette, asyncpg"
FLOOR_D = "floor: psycopg alone"
FLOOR_E = "floor: bare ASGI, uvicorn"
FLOOR_E_DJANGO = "floor: bare Django in threads, uvicorn"


@contextmanager
def floor_a(run: Run) -> Iterator[Program]:
    """Run floor (a) on the hub's own tables and statements."""
    variables = {"DATABASE_URL": run.database, "BENCH_GIVEN": floor_statements.given(run.database, run.keys)}
    with programs.asgi(f"{FLOORS}.starlette_asyncpg", variables) as program:
        yield program


@contextmanager
def in_comparison(run: Run) -> Iterator[dict[str, Program]]:
    """Run the hub and floor (a); have sessions."""
    with ExitStack() as stack:
        programs_ = {
            HUB: stack.enter_context(programs.hub("serve", run.environment)),
            FLOOR_A: stack.enter_context(floor_a(run)),
        }
        asyncio.run(run.register(programs_[HUB].base, SESSIONS))
        yield programs_


def sends_of(key: str, sessions: list[str], **headers: str) -> list[list[bytes]]:
    """Return sends to random recipients, from a session for each connection."""
    return [
        [wire.send(key, sender, random.choice(sessions), **headers) for _ in range(MIX)]
        for sender in sessions[:CLIENTS]
    ]


def sends(run: Run) -> None:
    """Sends to random recipients; what the kinds of a send cost; PostgreSQL alone."""
    with in_comparison(run) as there:
        requests = sends_of(run.keys.limited, run.sessions)
        measured = compare(
            {name: run.contender(program, requests, wire.is_sent) for name, program in there.items()},
            run.rounds,
        )
        run.report.add("Send, one process", measured)
        ratio = measured[HUB].rate_ratio(measured[FLOOR_A])
        run.report.target(Target("sends to those of floor (a)", ratio, least=0.7))
        slow = measured[HUB].p99_ratio(measured[FLOOR_A])
        run.report.target(Target("p99 of a send to floor (a)'s", slow, most=3))
        alone = pgbench_sends(run.database, run.sessions, run.seconds * run.rounds)
        run.report.note(f"pgbench, the send statement alone: {alone:.0f} /s")
        kinds(run, there[HUB])


def kinds(run: Run, hub: Program) -> None:
    """What limits, a token and an Idempotency-Key add to a send."""

    async def others() -> tuple[list[str], list[str]]:
        connection = Connection(hub.base)
        await connection.open()
        free = [await register(connection, run.keys.unlimited, f"free-{i}") for i in range(CLIENTS)]
        return free, [await token_of(connection, run.keys.limited, id_) for id_ in run.sessions[:CLIENTS]]

    free, tokens = asyncio.run(others())
    plain = sends_of(run.keys.limited, run.sessions)
    by_token = [
        sends_of(token, [sender, *run.sessions])[0]
        for token, sender in zip(tokens, run.sessions, strict=False)
    ]
    once = sends_of(run.keys.limited, run.sessions, Idempotency_Key=ONCE.decode())
    of: dict[str, list[list[bytes]]] = {
        "by a key with limits": plain,
        "by a key without": sends_of(run.keys.unlimited, free),
        "by a token": by_token,
        "with an Idempotency-Key": once,
    }
    contenders = {name: run.contender(hub, requests, wire.is_sent) for name, requests in of.items()}
    run.report.add("Kinds of sends", compare(contenders, run.rounds))


def two_processes(run: Run) -> None:
    """Two processes of the hub, and floor (a) as one, on whatever cores the system puts them."""
    with ExitStack() as stack:
        both = [stack.enter_context(programs.hub("serve", run.environment)) for _ in range(2)]
        floor = stack.enter_context(floor_a(run))
        for program in (*both, floor):
            programs.unpin(program)
        asyncio.run(run.register(both[0].base, SESSIONS))
        requests = sends_of(run.keys.limited, run.sessions)
        name = "hub, two of `serve`"
        contenders = {
            name: run.contender(both, requests, wire.is_sent),
            FLOOR_A: run.contender(floor, requests, wire.is_sent),
        }
        measured = compare(contenders, run.rounds)
        run.report.add("Send, two processes, on any core", measured)
        ratio = measured[name].rate_ratio(measured[FLOOR_A])
        run.report.target(Target("two processes: sends to those of floor (a)", ratio, least=0.9))


def polls(run: Run) -> None:
    """Ten messages at a time out of all inboxes in turn; then polls that find nothing."""
    with in_comparison(run) as there:
        full, empty = run.sessions[CLIENTS:], run.sessions[:CLIENTS]
        times = FILLED // SESSIONS // POLLED - 1  # that an inbox has a page of ten for sure
        turns = [
            [
                wire.poll(run.keys.limited, session, POLLED)
                for _ in range(times)
                for session in full[i::CLIENTS]
            ]
            for i in range(CLIENTS)
        ]

        def fill() -> None:
            rows.add(run.database, FILLED, oldest="2 minutes", newest="1 minute", read=False)
            rows.settle(run.database)  # before PostgreSQL does it by itself, beside some of the turns

        contenders = {
            name: run.contender(program, turns, wire.is_page_of_ten, again=False, before=fill)
            for name, program in there.items()
        }
        contenders[FLOOR_D] = Contender(
            lambda: psycopg_polls(run.database, full, times, run.seconds), before=fill
        )
        measured = compare(contenders, run.rounds)
        run.report.add("Poll of ten messages, one process", measured)
        ratio = 1 / measured[HUB].rate_ratio(measured[FLOOR_D])
        run.report.target(Target("time of a poll to psycopg's alone", ratio, most=1.3))
        drain(run, empty)
        rows.settle(run.database)
        empty_polls(run, there, empty)


def drain(run: Run, sessions: list[str]) -> None:
    """Have all messages of some sessions read."""
    with psycopg.connect(run.database) as connection:
        ids = [floor_statements.uuid_of(session) for session in sessions]
        connection.execute(
            "UPDATE hub_delivery SET read_at = now() WHERE read_at IS NULL AND recipient_id = ANY(%s)", [ids]
        )
        connection.execute("UPDATE hub_inbox SET unread = 0 WHERE session_id = ANY(%s)", [ids])


def empty_polls(run: Run, there: dict[str, Program], sessions: list[str]) -> None:
    """Polls that find nothing, beside answers that take no work."""
    requests = [[wire.poll(run.keys.limited, session, POLLED)] for session in sessions]
    with ExitStack() as stack:
        bare = stack.enter_context(programs.asgi(f"{FLOORS}.bare_asgi", {}))
        django = stack.enter_context(programs.asgi(f"{FLOORS}.bare_django", {}))
        all_of_them = {**there, FLOOR_E: bare, FLOOR_E_DJANGO: django}
        contenders = {
            name: run.contender(program, requests, wire.is_empty_page)
            for name, program in all_of_them.items()
        }
        measured = compare(contenders, run.rounds)
        run.report.add("Empty poll, one process", measured)
        ratio = measured[HUB].rate_ratio(measured[FLOOR_E_DJANGO])
        run.report.target(Target("empty polls to bare Django's answers", ratio, least=0.6))


def memory(run: Run) -> None:
    """One entry written, and one read."""
    with psycopg.connect(run.database) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bench_memory (realm_id uuid, key text, value text, version bigint, "
            "updated_at timestamptz, PRIMARY KEY (realm_id, key))"
        )
    with in_comparison(run) as there:
        per_connection = ENTRIES // CLIENTS
        entries = [[f"bench{i}.entry{n}" for n in range(per_connection)] for i in range(CLIENTS)]

        def requests(of: Callable[[str, str, str], bytes]) -> list[list[bytes]]:
            return [
                [of(run.keys.limited, run.sessions[i], entry) for entry in entries[i]] for i in range(CLIENTS)
            ]

        for what, of, check in (("write", wire.write, wire.is_written), ("read", wire.read, wire.is_entry)):
            contenders = {
                name: run.contender(program, requests(of), check) for name, program in there.items()
            }
            measured = compare(contenders, run.rounds)
            run.report.add(f"Memory: {what} of one entry, one process", measured)
            ratio = measured[HUB].rate_ratio(measured[FLOOR_A])
            run.report.target(Target(f"{what}s of memory to floor (a)'s", ratio, least=0.6))


def admission(run: Run) -> None:
    """The CPU time of what every request begins with, and of a refusal."""
    command = [sys.executable, "-m", "tests.bench.admission", run.keys.limited]
    rounds = [
        msgspec.json.decode(
            subprocess.check_output(command, env=run.environment, cwd=ROOT), type=dict[str, float]
        )
        for _ in range(run.rounds)
    ]
    medians = {part: statistics.median(each[part] for each in rounds) for part in rounds[0]}
    run.report.note("CPU µs of " + ", ".join(f"{part} {spent:.0f}" for part, spent in medians.items()))
    run.report.target(Target("CPU µs of credential, limit and problem", sum(medians.values()), most=150))
