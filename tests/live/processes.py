"""Server processes on a given database and Redis."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests import processes
from tests.servers import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent


def hosted_environment(database_url: str, redis_url: str, origin: str) -> dict[str, str]:
    """Return the environment of a process of a hosted hub."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "tests-only",
        "HUB_ORIGIN": origin,
        "ALLOWED_HOSTS": "127.0.0.1",
        "HUB_REALM_REQUESTS_PER_MINUTE": "0",  # as many as the keys may send
    }


@dataclass(frozen=True)
class ServerProcess:
    """A server process, its base URL, and how to talk to it."""

    base: str
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> tuple[str, int]:
        """The host and port that it listens on."""
        parts = urlsplit(self.base)
        return str(parts.hostname), int(parts.port or 0)


def server_command(port: int) -> list[str]:
    """Return the command that runs a server process on a port of this machine."""
    return [sys.executable, "manage.py", "serve", f"--port={port}"]


def worker_command() -> list[str]:
    """Return the command that runs a worker with beat in it."""
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--beat"]
    return [*command, "--concurrency=1", "--loglevel=warning"]


@contextlib.contextmanager
def running_server(
    database_url: str, redis_url: str, *, log: Path | None = None, **variables: str
) -> Iterator[ServerProcess]:
    """Run a server process.

    Args:
        log: where it writes its log to, instead of the tests' own standard error.
        variables: further ones of its environment.
    """
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    environment = {**hosted_environment(database_url, redis_url, base), "LOG_LEVEL": "WARNING", **variables}
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log else None
        server = processes.start(server_command(port), cwd=ROOT, env=environment, stderr=output)

    def is_up() -> bool:
        assert server.poll() is None, "the server process ended"
        try:
            return httpx.get(f"{base}/livez").status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_until(is_up, seconds=30)
        yield ServerProcess(base, server)
    finally:
        processes.end(server, signal.SIGKILL)


@contextlib.contextmanager
def server_process(
    database_url: str, redis_url: str, *, log: Path | None = None, **variables: str
) -> Iterator[str]:
    """Run a server process and give its base URL; arguments as of `running_server`."""
    with running_server(database_url, redis_url, log=log, **variables) as server:
        yield server.base
