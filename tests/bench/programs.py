"""Server programs that are measured, each started alone on the core that is for them."""

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import processes
from tests.bench.machine import CORES, SERVER_CORES, cpu_seconds, memory_bytes, pin
from tests.live.processes import ROOT
from tests.servers import free_port, wait_for_port

FLOORS = "tests.bench.floors"
PEERS = "tests.bench.peers"
REQUEST_THREADS = 8  # of the hub, and of what answers in threads beside it


@dataclass(frozen=True)
class Program:
    """A server program that runs."""

    base: str
    pid: int

    @property
    def cpu_seconds(self) -> float:
        """The CPU time that it has taken."""
        return cpu_seconds(self.pid)

    @property
    def memory_bytes(self) -> int:
        """The memory that it holds."""
        return memory_bytes(self.pid)


@contextlib.contextmanager
def program(
    command: list[str], port: int, variables: Mapping[str, str], *, cores: set[int] = SERVER_CORES
) -> Iterator[Program]:
    """Run a program of this interpreter, and give it once it listens.

    Its log, which it writes as it does by default, goes to a file that nobody reads unless it fails.
    """
    with tempfile.TemporaryDirectory(prefix="aisp-hub-bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = processes.start(
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, **variables},
                stdout=output,
                stderr=output,
            )
        try:
            pin(process.pid, cores)
            try:
                wait_for_port(port, process)
            except RuntimeError as error:
                error.add_note(log.read_text()[-2000:])
                raise
            pin(process.pid, cores)
            yield Program(f"http://127.0.0.1:{port}", process.pid)
        finally:
            processes.end(process, signal.SIGKILL)


@contextlib.contextmanager
def asgi(module: str, variables: Mapping[str, str]) -> Iterator[Program]:
    """Run the ASGI application `app` of a module as the hub's is run: uvicorn, httptools and uvloop."""
    port = free_port()
    options = ["--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=warning"]
    command = ["-m", "uvicorn", *options, f"--port={port}", f"{module}:app"]
    with program(command, port, variables) as running:
        yield running


@contextlib.contextmanager
def hub(role: str, environment: Mapping[str, str]) -> Iterator[Program]:
    """Run a process of the hub: `serve`, or `up` for the embedded one."""
    port = free_port()
    variables = {**environment, "HUB_ORIGIN": f"http://127.0.0.1:{port}"}
    with program(["manage.py", role, f"--port={port}"], port, variables) as running:
        yield running


def unpin(program: Program) -> None:
    """Let a program run on all cores."""
    pin(program.pid, CORES)
