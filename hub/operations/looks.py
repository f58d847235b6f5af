"""Looks at the hub's parts, bounded in time and in rows: looking at a hub in trouble adds nothing to it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import structlog
from django.db import Error, connection, transaction

T = TypeVar("T")

STATEMENT_SECONDS = 1.0
COUNTED_ROWS = 10_000
SQLITE_STEPS = 10_000  # of its machine, some 0.1 ms, after which it asks whether to go on

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; `at_least` so many where not all were counted."""

    number: int
    at_least: bool = False

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.at_least else ''}"


def look(what: str, read: Callable[[], T]) -> T | None:
    """Return what `read` reads from the database, or None if that failed or a statement took too long.

    Args:
        what: for the log.
    """
    try:
        with _limited():
            return read()
    except Error as error:
        log.warning(f"{what} could not be looked at", error=repr(error))
        return None


@contextmanager
def _limited() -> Iterator[None]:
    """Give each statement `STATEMENT_SECONDS`."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_SECONDS * 1000:.0f}")
            yield
        return
    # No transaction on SQLite, where one would wait for whoever writes.
    connection.ensure_connection()
    began = time.monotonic()
    connection.connection.set_progress_handler(
        lambda: time.monotonic() - began > STATEMENT_SECONDS, SQLITE_STEPS
    )
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)
