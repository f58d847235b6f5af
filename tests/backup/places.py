"""Where a hub of the tests keeps what it keeps: a data directory, or a database of PostgreSQL."""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.live.processes import ROOT, hosted_environment

INHERITED = ("PATH", "HOME", "LANG")
ORIGIN = "http://127.0.0.1:8000"  # of every hub here: a restored one is at the address of the one before


@dataclass(frozen=True)
class Place:
    """What a hub's processes find in their environment."""

    environment: dict[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run Python with further arguments, as an operator of this hub."""
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )

    def manage(self, *arguments: str) -> str:
        """Run a command of `manage.py` that has to work, and return what it prints."""
        ran = self.run("manage.py", *arguments)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def refused(self, *arguments: str) -> str:
        """Run a command that has to fail, and return what it says."""
        ran = self.run("manage.py", *arguments)
        assert ran.returncode == 1, ran.stdout
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.stderr


def data_folder(folder: Path, **variables: str) -> Place:
    """Return a place on SQLite."""
    kept = {name: value for name, value in os.environ.items() if name in INHERITED}
    return Place({**kept, "HUB_DATA_DIR": str(folder), "HUB_ORIGIN": ORIGIN, **variables})


def _sibling(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextlib.contextmanager
def database(like: Place | None = None, **variables: str) -> Iterator[Place]:
    """Make a database beside that of the tests, and give the place; it is dropped in the end.

    It is empty, or a copy of that of `like`, whose hub must not be running.
    """
    url, name = os.environ["TEST_DATABASE_URL"], f"hub_backup_{secrets.token_hex(4)}"
    administrator = _sibling(url, "postgres")
    template = urlsplit(like.environment["DATABASE_URL"]).path.lstrip("/") if like else "template1"
    with psycopg.connect(administrator, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    redis_url = os.environ["TEST_REDIS_URL"]
    try:
        yield Place({**hosted_environment(_sibling(url, name), redis_url, ORIGIN), **variables})
    finally:
        with psycopg.connect(administrator, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
