"""The database from coroutines: a few threads with a connection each, whatever the number of streams."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async

THREADS = 2

P = ParamSpec("P")
T = TypeVar("T")

_threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="live")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the database in one of the live threads."""
    run: Any = database_sync_to_async(function, thread_sensitive=False, executor=_threads)
    result: T = await run(*args, **kwargs)
    return result
