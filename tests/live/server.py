"""A real server: the hub's ASGI application in a thread, over real sockets, on the test database."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from hub.live import feed_watch
from hub.live.listener import listen
from hub.live.server import Server, config

LOOK_SECONDS = 0.2  # nobody has to wait for the console's feed


@pytest.fixture(scope="session")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The base URL of a hub that runs in this process."""
    hub = Server(config())
    listener = listen("127.0.0.1", 0, backlog=128)
    thread = threading.Thread(target=hub.run, args=[[listener]], daemon=True)
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patched:
        patched.setattr(feed_watch, "LOOK_SECONDS", LOOK_SECONDS)
        thread.start()
        deadline = time.monotonic() + 20
        while not hub.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        port = listener.getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        hub.force_exit = hub.should_exit = True
        thread.join(timeout=20)
        if connection.vendor == "postgresql":
            # The threads of the server keep their connections, and the database has to be dropped.
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
