"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable

from django.db import connection


def wait_until(holds: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Return as soon as `holds` does; fails if it takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
        time.sleep(0.02)


def somebody_waits_for_us() -> bool:
    """Tell whether another transaction waits for a lock of this connection's (PostgreSQL)."""
    waits = "NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM pg_locks WHERE {waits})")
        return bool(cursor.fetchone()[0])
