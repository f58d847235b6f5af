"""A real server: the hub's ASGI application in a thread, over real sockets, on the test database."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from django.db import OperationalError, connection

from realms.models import Realm
from tests.cast import new_agent, new_key, new_realm
from tests.live.client import WireAgent

FLUSHES = 5


@pytest.fixture(scope="session")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The base URL of a hub that runs in this process."""
    config = uvicorn.Config(
        "config.asgi:application", port=0, http="httptools", lifespan="on", log_config=None
    )
    hub = uvicorn.Server(config)
    thread = threading.Thread(target=hub.run, daemon=True)
    with django_db_blocker.unblock():
        thread.start()
        deadline = time.monotonic() + 20
        while not hub.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{hub.servers[0].sockets[0].getsockname()[1]}"
        hub.force_exit = hub.should_exit = True
        thread.join(timeout=20)
        if connection.vendor == "postgresql":
            # The threads of the server keep their connections, and the database has to be dropped.
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


@pytest.fixture(scope="session", autouse=True)
def _emptied_again(django_db_setup: None) -> Iterator[None]:
    """Empty the tables once more where a server's thread, which still reads, and TRUNCATE deadlock."""
    operations = type(connection.ops)
    once = operations.execute_sql_flush

    def flush(self: Any, statements: Any) -> None:
        for _ in range(FLUSHES - 1):
            with contextlib.suppress(OperationalError):
                once(self, statements)
                return
        once(self, statements)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(operations, "execute_sql_flush", flush)
        yield


@pytest.fixture
def realm(transactional_db: None) -> Realm:
    """Alice's realm, committed so that the server sees it."""
    return new_realm("alice")


@pytest.fixture
def key(realm: Realm) -> str:
    """A key of Alice's realm."""
    return new_key(realm)[1]


@pytest.fixture
def alice(server: str, key: str) -> Iterator[WireAgent]:
    """The agent `alice`, over HTTP."""
    with WireAgent(server, new_agent(key, "alice")) as agent:
        yield agent


@pytest.fixture
def bob(server: str, key: str) -> Iterator[WireAgent]:
    """The agent `bob`, over HTTP."""
    with WireAgent(server, new_agent(key, "bob", "executor")) as agent:
        yield agent
