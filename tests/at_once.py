"""Calls that start at the same moment, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

START_TIMEOUT_SECONDS = 10

T = TypeVar("T")


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Return what the calls return, in their order; what one of them raises is raised.

    The test needs `django_db(transaction=True)`: the threads see only what was committed.
    """
    start = threading.Barrier(len(calls), timeout=START_TIMEOUT_SECONDS)

    def run(call: Callable[[], T]) -> T:
        try:
            connection.ensure_connection()
            start.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
