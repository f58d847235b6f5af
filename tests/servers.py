"""Throw-away PostgreSQL and Redis servers for a run of the tests, from installed binaries."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from tests import processes

# PostgreSQL refuses to run as root; Debian's package makes this user.
UNPRIVILEGED_USER = "postgres"
ADMINISTRATORS_BINARIES = ("/usr/sbin", "/sbin")  # not on every PATH
DEBIAN_BINARIES = "usr/lib/postgresql/*/bin"
START_SECONDS = 30
LASTING_PORTS = (20_000, 32_768)
S = TypeVar("S", "Postgresql", "Redis")


class Missing(Exception):
    """A server is not installed; the message says what to install."""


def free_port() -> int:
    """Return a port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lasting_port() -> int:
    """Return a free port that stays free while its server is down.

    It lies below those from which the system chooses for outgoing connections (Linux: 32768 and up).
    """
    while True:
        port = random.SystemRandom().randrange(*LASTING_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def binary(name: str) -> str | None:
    """Return where a program of a server is installed, off the PATH too; None if it is not."""
    debian = sorted(map(str, Path("/").glob(DEBIAN_BINARIES)), reverse=True)
    places = [*debian, os.environ.get("PATH", ""), *ADMINISTRATORS_BINARIES]
    return shutil.which(name, path=os.pathsep.join(places))


def wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    """Return once a server that was started takes connections; raises RuntimeError if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{server.args!r} did not start")


def _as_user(user: str | None) -> dict[str, Any]:
    return {"user": user, "group": user, "extra_groups": []} if user else {}


class Server:
    """A server that can be taken down in any way and started again on the same port and data."""

    ends_by = signal.SIGTERM

    def __init__(self, command: list[str], port: int, folder: Path, user: str | None = None) -> None:
        """Prepare to run `command`, as `user` if one is named; `folder` takes its log."""
        self._command = command
        self._port = port
        self._folder = folder
        self._user = user
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, and return once it takes connections."""
        with (self._folder / "log").open("ab") as log:
            user = _as_user(self._user)
            self.process = processes.start(
                self._command, ends_by=self.ends_by, stdout=log, stderr=log, cwd=self._folder, **user
            )
        wait_for_port(self._port, self.process)

    def pids(self) -> list[int]:
        """Return the ids of its process and of that one's children (Linux)."""
        if self.process is None:
            return []
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def end(self, how: signal.Signals | None = None) -> None:
        """Send it a signal that ends it, and wait until it has ended."""
        if self.process is not None:
            processes.end(self.process, how or self.ends_by, seconds=10)
            self.process = None


class Postgresql(Server):
    """A PostgreSQL server; ended by SIGQUIT, it recovers from its log as after a crash."""

    ends_by = signal.SIGINT  # a fast shutdown: SIGTERM waits until the last client has left

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        """Make its data in `folder`; a `durable` one has each commit on disk before it says so.

        Raises:
            Missing: its binaries are not installed, or there is no user to run it as.
        """
        initdb, postgres = binary("initdb"), binary("postgres")
        if not (initdb and postgres):
            raise Missing("PostgreSQL (Debian: apt-get install postgresql)")
        user = None
        if os.geteuid() == 0:
            user = UNPRIVILEGED_USER
            if subprocess.run(["id", user], capture_output=True).returncode:
                raise Missing(f"a user `{user}` to run PostgreSQL as, since you are root")
            shutil.chown(folder, user)
        data, port = folder / "data", lasting_port()
        make = [initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder, **_as_user(user))
        options = ["-c", "max_connections=200", "-c", f"unix_socket_directories={folder}"]
        if not durable:
            options += ["-c", "fsync=off"]
        command = [postgres, "-D", str(data), "-h", "127.0.0.1", "-p", str(port), *options]
        super().__init__(command, port, folder, user)
        self.url = f"postgres://postgres@127.0.0.1:{port}/hub"

    def start(self) -> None:
        """Run it, and return once it lets somebody in: it takes connections sooner, and refuses them."""
        super().start()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url.rsplit("/", 1)[0] + "/postgres").close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return


class Redis(Server):
    """A Redis server that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        """Prepare it.

        Raises:
            Missing: it is not installed.
        """
        program = binary("redis-server")
        if not program:
            raise Missing("Redis (Debian: apt-get install redis-server)")
        port = lasting_port()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        super().__init__([program, *options], port, folder)
        self.url = f"redis://127.0.0.1:{port}/0"


def create_database(url: str) -> None:
    """Make the database that a throw-away server's URL names."""
    with psycopg.connect(url.rsplit("/", 1)[0] + "/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE hub")


@contextlib.contextmanager
def running(kind: type[S], **options: Any) -> Iterator[S]:
    """Run a server, made with `options`, in a temporary folder, and give it."""
    with tempfile.TemporaryDirectory(prefix="aisp-hub-server-", ignore_cleanup_errors=True) as folder:
        server = kind(Path(folder), **options)
        try:
            server.start()
            yield server
        finally:
            server.end()


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server in a temporary folder and give a URL to it.

    Raises:
        Missing: its binaries are not installed, or there is no user to run it as.
    """
    with running(Postgresql) as server:
        yield server.url


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Run a Redis server that keeps nothing on disk, and give a URL to it.

    Raises:
        Missing: it is not installed.
    """
    with running(Redis) as server:
        yield server.url
