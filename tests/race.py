"""Calls that start at the same moment, each in a thread with a connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from django.db import connections

START_TIMEOUT_SECONDS = 10

T = TypeVar("T")


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Return what the calls return, in their order; what one of them raises is raised.

    The test needs `django_db(transaction=True)`: the threads see only what was committed.
    """
    start = threading.Barrier(len(calls), timeout=START_TIMEOUT_SECONDS)
    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(partial(_run, start), calls))


def _run(start: threading.Barrier, call: Callable[[], T]) -> T:
    start.wait()
    try:
        return call()
    finally:
        connections.close_all()
