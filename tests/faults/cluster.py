"""The parts of a running hub, and a supervisor that starts again what was killed."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests import processes, servers
from tests.faults.history import Death, History, now
from tests.live.processes import ROOT, hosted_environment, server_command, worker_command

READY_SECONDS = 60
WATCH_SECONDS = 0.1
RESTART_SECONDS = (0.2, 1.5)
ORIGIN = "http://127.0.0.1"


@dataclass
class Part:
    """A process of the hub."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    port: int | None = None
    process: subprocess.Popen[bytes] | None = None
    # A death that the harness caused is no finding.
    expected: bool = False

    def start(self) -> None:
        """Run it, its output piped on so that a limit on the size of its files is none on its log."""
        with self.log.open("ab") as log:
            sink = processes.start(["cat"], stdin=subprocess.PIPE, stdout=log)
        self.expected = False
        self.process = processes.start(
            self.command, cwd=ROOT, env=self.environment, stdout=sink.stdin, stderr=sink.stdin
        )
        if sink.stdin:
            sink.stdin.close()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, and what came from it too: a killed worker leaves no beat behind."""
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.expected = True
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, number)

    @property
    def is_running(self) -> bool:
        """Whether the process exists."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End it for good."""
        self.expected = True
        if self.process:
            processes.end(self.process, signal.SIGKILL)


@dataclass
class Cluster:
    """A hub: its processes, and on PostgreSQL and Redis those two servers."""

    history: History
    random: random.Random
    folder: Path
    parts: list[Part] = field(default_factory=list)
    postgresql: servers.Postgresql | None = None
    redis: servers.Redis | None = None
    data: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def serving(self) -> list[Part]:
        """The parts that answer requests."""
        return [part for part in self.parts if part.port]

    def part(self, name: str) -> Part:
        """Return a part by name."""
        return next(part for part in self.parts if part.name == name)

    def found(self, *realms: str) -> dict[str, str]:
        """Prepare the database, and return a key of each realm, without limits."""
        command = [sys.executable, "-m", "tests.faults.founding", *realms]
        run = subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.PIPE)
        keys: dict[str, str] = json.loads(run.stdout)
        return keys

    async def supervise(self) -> None:
        """Start again whatever ends, after a moment, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for part in self.parts:
                if part.process is None or part.process.poll() is None:
                    continue
                if not part.expected:
                    self.history.note(Death(part.name, part.process.returncode, now()))
                part.process = None
                delay = self.random.uniform(*RESTART_SECONDS)
                asyncio.get_running_loop().call_later(delay, part.start)

    async def ready(self) -> None:
        """Return once every server answers."""
        for part in self.serving:
            await self.answers(part)

    async def answers(self, part: Part) -> None:
        """Return once a server answers."""
        deadline = now() + READY_SECONDS
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as http:
            while not await _answers(http, part):
                if now() > deadline:
                    raise RuntimeError(f"{part.name} does not answer; its log is {part.log}")
                await asyncio.sleep(0.05)


async def _answers(http: httpx.AsyncClient, part: Part) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return (await http.get(f"http://127.0.0.1:{part.port}/api/v1/sessions")).status_code == 401
    return False


@contextlib.contextmanager
def hosted(history: History, chance: random.Random, folder: Path) -> Iterator[Cluster]:
    """Give two server processes and a worker on PostgreSQL and Redis; the caller starts the parts.

    Raises:
        servers.Missing: PostgreSQL or Redis is not installed.
    """
    with servers.running(servers.Postgresql) as postgresql, servers.running(servers.Redis) as redis:
        servers.create_database(postgresql.url)
        environment = hosted_environment(postgresql.url, redis.url, ORIGIN)
        cluster = Cluster(
            history, chance, folder, postgresql=postgresql, redis=redis, environment=_quiet(environment)
        )
        for name in ("server-1", "server-2"):
            port = servers.lasting_port()
            command, log = server_command(port), folder / f"{name}.log"
            cluster.parts.append(Part(name, command, cluster.environment, log, port))
        worker = [*worker_command(), "--pool=solo"]
        cluster.parts.append(Part("worker", worker, cluster.environment, folder / "worker.log"))
        with _stopped_at_the_end(cluster):
            yield cluster


@contextlib.contextmanager
def embedded(history: History, chance: random.Random, folder: Path, data: Path) -> Iterator[Cluster]:
    """Give the hub in one process, with SQLite in `data`; the caller starts it."""
    port = servers.lasting_port()
    inherited = hosted_environment("", "", ORIGIN)
    limits = {f"HUB_{name}_PER_MINUTE": "1000000" for name in ("READS", "WRITES", "REFUSALS")}
    environment = {**inherited, **limits, "HUB_DATA_DIR": str(data), "PORT": str(port)}
    cluster = Cluster(history, chance, folder, data=data, environment=_quiet(environment))
    command = [sys.executable, "manage.py", "up"]
    cluster.parts.append(Part("server-1", command, cluster.environment, folder / "server-1.log", port))
    with _stopped_at_the_end(cluster):
        yield cluster


@contextlib.contextmanager
def _stopped_at_the_end(cluster: Cluster) -> Iterator[None]:
    try:
        yield
    finally:
        for part in cluster.parts:
            part.stop()


def _quiet(environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, "LOG_LEVEL": "WARNING"}
