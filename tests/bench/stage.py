"""Where a run takes place: databases, a realm with its keys, a thousand sessions, unread messages."""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests import servers
from tests.live.processes import hosted_environment

KEY_NAME = "bench"
FAR_AWAY = 900_000_000  # requests a minute: each is counted, none refused


@dataclass(frozen=True)
class Keys:
    """The keys of a run."""

    limited: str
    unlimited: str


@contextlib.contextmanager
def database() -> Iterator[str]:
    """Make a database for a run, on the server of the tests."""
    with contextlib.ExitStack() as stack:
        server = os.environ.get("TEST_DATABASE_URL") or stack.enter_context(servers.postgresql())
        name = f"bench_{secrets.token_hex(4)}"
        admin = urlsplit(server)._replace(path="/postgres").geturl()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def prepare(url: str, redis_url: str) -> Keys:
    """Migrate a database, make a realm in it, and return its keys."""
    return prepared(hosted_environment(url, redis_url, "http://127.0.0.1"))


def prepared(environment: dict[str, str]) -> Keys:
    """Migrate the database of an environment, make a realm in it, and return its keys."""

    def manage(*arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    manage("migrate")
    manage("realm", "create", "default", "--owner", "bench@example.com")
    of = ("--realm", "default", "--owner", "bench@example.com")

    def key(limit: str) -> str:
        limits = ("--reads-per-minute", limit, "--writes-per-minute", limit)
        return manage("apikey", "issue", *of, "--name", KEY_NAME, *limits).strip()

    return Keys(limited=key(str(FAR_AWAY)), unlimited=key("unlimited"))
