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
    _manage(environment, "migrate")
    limited, unlimited = _realm_with_keys(environment, "default", [str(FAR_AWAY), "unlimited"])
    return Keys(limited, unlimited)


def prepare_realm(url: str, redis_url: str, realm: str, *, keys: int) -> list[str]:
    """Make a further realm, and return so many keys of it without a limit that is reached."""
    environment = hosted_environment(url, redis_url, "http://127.0.0.1")
    return _realm_with_keys(environment, realm, [str(FAR_AWAY)] * keys)


def _realm_with_keys(environment: dict[str, str], realm: str, limits: list[str]) -> list[str]:
    owner = "bench@example.com"
    _manage(environment, "realm", "create", realm, "--owner", owner)
    return [
        _manage(
            environment,
            *("apikey", "issue", "--realm", realm, "--owner", owner, "--name", KEY_NAME),
            *("--reads-per-minute", limit, "--writes-per-minute", limit),
        ).strip()
        for limit in limits
    ]


def _manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
