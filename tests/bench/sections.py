"""What is measured of requests: sends, polls, memory."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.bench import floor_statements, programs, wire
from tests.bench.programs import FLOORS, Program
from tests.bench.report import Target
from tests.bench.rounds import Contender, compare
from tests.bench.run import CLIENTS, SESSIONS, Run
from tests.growth import rows

MIX = 250  # requests of a connection, then they come again
FILLED = 50_000  # unread messages in all inboxes before a turn of polls
POLLED = 10

HUB, HUB_SERVE, FLOOR_A = "hub", "hub, `serve`", "floor (a): Starlette, asyncpg"


@contextmanager
def floor_a(run: Run) -> Iterator[Program]:
    """Run floor (a) on the hub's own tables and statements."""
    variables = {"DATABASE_URL": run.database, "BENCH_GIVEN": floor_statements.given(run.database, run.keys)}
    with programs.asgi(f"{FLOORS}.starlette_asyncpg", variables) as program:
        yield program


def sends(run: Run) -> None:
    """Random recipients; what the kinds of a send cost; PostgreSQL alone."""
    with ExitStack() as stack:
        hub = stack.enter_context(programs.hub("web", run.environment))
        serve = stack.enter_context(programs.hub("serve", run.environment))
        floor = stack.enter_context(floor_a(run))
        asyncio.run(run.register(serve.base, SESSIONS))

        def requests(key: str = run.keys.limited, **headers: str) -> list[list[bytes]]:
            return [
                [wire.send(key, sender, random.choice(run.sessions), **headers) for _ in range(MIX)]
                for sender in run.sessions[:CLIENTS]
            ]

        measured = compare(
            {
                HUB: run.contender(hub, requests(), wire.is_sent),
                HUB_SERVE: run.contender(serve, requests(), wire.is_sent),
                FLOOR_A: run.contender(floor, requests(), wire.is_sent),
            },
            run.rounds,
        )
        run.report.add("Send, one process", measured)
        for name in (HUB, HUB_SERVE):
            ratio = measured[name].rate_ratio(measured[FLOOR_A])
            run.report.target(Target(f"{name}: sends to floor (a)", ratio, least=0.7))
            slow = measured[name].p99_ratio(measured[FLOOR_A])
            run.report.target(Target(f"{name}: p99 to floor (a)", slow, most=3))


def fill(run: Run) -> None:
    """Put unread messages into all inboxes."""
    rows.add(run.database, FILLED, oldest="2 minutes", newest="1 minute", read=False)


def polls(run: Run) -> None:
    """Ten messages at a time out of all inboxes in turn; then polls that find nothing."""
    with ExitStack() as stack:
        hub = stack.enter_context(programs.hub("web", run.environment))
        serve = stack.enter_context(programs.hub("serve", run.environment))
        floor = stack.enter_context(floor_a(run))
        asyncio.run(run.register(serve.base, SESSIONS))
        full = run.sessions[CLIENTS : CLIENTS + FILLED // SESSIONS * 0 + SESSIONS - CLIENTS]
        turns = [
            [wire.poll(run.keys.limited, session, POLLED) for session in full[i::CLIENTS]]
            * (FILLED // SESSIONS // POLLED - 1)
            for i in range(CLIENTS)
        ]

        def of(program: Program) -> Contender:
            return run.contender(program, turns, wire.is_page_of_ten, again=False, before=lambda: fill(run))

        measured = compare({HUB: of(hub), HUB_SERVE: of(serve), FLOOR_A: of(floor)}, run.rounds)
        run.report.add("Poll of ten messages, one process", measured)
