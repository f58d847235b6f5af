"""A run: what all of its measurements share."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import psycopg

from tests import servers
from tests.bench.load import Load, Plan, load_process
from tests.bench.machine import OTHER_CORES, cpu_seconds, pin
from tests.bench.programs import Program
from tests.bench.report import Report
from tests.bench.rounds import Contender
from tests.bench.stage import Keys, prepared
from tests.crowd.load import register_many
from tests.live.processes import hosted_environment

CLIENTS = 16
SESSIONS = 1000


@dataclass
class Run:
    """The servers and the realm of a run.

    Attributes:
        environment: of the hub's processes.
        sessions: of the key with limits.
        servers: process ids of the servers that the hub stands on, by name.
        seconds: of a turn.
    """

    load: Load
    database: str
    redis: str
    environment: dict[str, str]
    keys: Keys
    servers: dict[str, int]
    seconds: float
    rounds: int
    report: Report
    sessions: list[str] = field(default_factory=list)

    def contender(
        self,
        programs: Program | Sequence[Program],
        requests: list[list[bytes]],
        check: Callable[[bytes], None],
        *,
        again: bool = True,
        before: Callable[[], object] = lambda: None,
    ) -> Contender:
        """Return programs as one that these requests are sent to, a list for each connection."""
        several = [programs] if isinstance(programs, Program) else programs
        plan = Plan([each.base for each in several], requests, check, self.seconds, again=again)

        def spent() -> dict[str, float]:
            others = {name: cpu_seconds(pid) for name, pid in self.servers.items()}
            return {"server": sum(each.cpu_seconds for each in several), **others}

        return Contender(lambda: self.load(plan), before, spent)

    async def register(self, base: str, count: int) -> None:
        """Have so many sessions at least."""
        if (missing := count - len(self.sessions)) > 0:
            self.sessions += await register_many(base, self.keys.limited, missing)


@contextlib.contextmanager
def running(seconds: float, rounds: int) -> Iterator[Run]:
    """Start PostgreSQL, with all that makes a commit last, and Redis; migrate and make a realm."""
    with contextlib.ExitStack() as stack:
        postgresql = stack.enter_context(servers.running(servers.Postgresql, durable=True))
        redis = stack.enter_context(servers.running(servers.Redis))
        pids = {"postgres": postgresql.pids()[0], "redis": redis.pids()[0]}
        for pid in pids.values():
            pin(pid, OTHER_CORES)
        servers.create_database(postgresql.url)
        environment = hosted_environment(postgresql.url, redis.url, "http://127.0.0.1")
        keys = prepared(environment)
        with psycopg.connect(postgresql.url) as connection:
            connection.execute("UPDATE realms_realm SET max_sessions = 100000, max_streams = 100000")
            row = connection.execute("SELECT current_setting('server_version')").fetchone()
        report = Report({"postgresql": str(row[0]) if row else ""})
        load = stack.enter_context(load_process())
        yield Run(load, postgresql.url, redis.url, environment, keys, pids, seconds, rounds, report)
