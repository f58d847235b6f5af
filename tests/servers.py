"""Throw-away PostgreSQL and Redis servers for a run of the tests, from installed binaries."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# PostgreSQL refuses to run as root; Debian's package makes this user.
UNPRIVILEGED_USER = "postgres"
ADMINISTRATORS_BINARIES = ("/usr/sbin", "/sbin")  # not on every PATH
DEBIAN_BINARIES = "usr/lib/postgresql/*/bin"
START_SECONDS = 30


class Missing(Exception):
    """A server is not installed; the message says what to install."""


def free_port() -> int:
    """Return a port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _binary(name: str) -> str | None:
    debian = sorted(map(str, Path("/").glob(DEBIAN_BINARIES)), reverse=True)
    places = [*debian, os.environ.get("PATH", ""), *ADMINISTRATORS_BINARIES]
    return shutil.which(name, path=os.pathsep.join(places))


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{server.args!r} did not start")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server in a temporary folder and give a URL to it.

    Raises:
        Missing: its binaries are not installed, or there is no user to run it as.
    """
    initdb, postgres = _binary("initdb"), _binary("postgres")
    if not (initdb and postgres):
        raise Missing("PostgreSQL (Debian: apt-get install postgresql)")
    as_user = []
    if os.geteuid() == 0:
        runuser = _binary("runuser")
        if not runuser or subprocess.run(["id", UNPRIVILEGED_USER], capture_output=True).returncode:
            raise Missing(f"a user `{UNPRIVILEGED_USER}` to run PostgreSQL as, since you are root")
        as_user = [runuser, "-u", UNPRIVILEGED_USER, "--"]
    with tempfile.TemporaryDirectory(prefix="aisp-hub-pg-") as folder:
        if as_user:
            shutil.chown(folder, UNPRIVILEGED_USER)
        data, port = f"{folder}/data", free_port()
        make = [*as_user, initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        options = ["-c", "fsync=off", "-c", "max_connections=200", "-c", f"unix_socket_directories={folder}"]
        command = [*as_user, postgres, "-D", data, "-h", "127.0.0.1", "-p", str(port), *options]
        with Path(folder, "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
            try:
                _wait_for(port, server)
                yield f"postgres://postgres@127.0.0.1:{port}/hub"
            finally:
                _stop(server)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Run a Redis server that keeps nothing on disk, and give a URL to it.

    Raises:
        Missing: it is not installed.
    """
    binary = _binary("redis-server")
    if not binary:
        raise Missing("Redis (Debian: apt-get install redis-server)")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        _stop(server)
