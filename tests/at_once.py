"""Real threads, each with a database connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def at_once(functions: Sequence[Callable[[], T]]) -> list[T]:
    """Run functions at the same time and return what they returned, in their order."""
    start = threading.Barrier(len(functions))

    def run(function: Callable[[], T]) -> T:
        try:
            connection.ensure_connection()
            start.wait()
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as threads:
        return list(threads.map(run, functions))
