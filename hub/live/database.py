"""The database from coroutines: a few threads with a connection each, whatever the number of streams.

What opens streams and answers pings has threads of its own, so that a crowd which comes back at once does
not keep the tailer from those who are there.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")

_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="live")
_tailer_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="tailer")  # one reads, one notes


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the database in one of the live threads."""
    run: Any = database_sync_to_async(function, thread_sensitive=False, executor=_threads)
    result: T = await run(*args, **kwargs)
    return result


async def in_tailer_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the database in one of the tailer's threads.

    The tailer tries again what failed, with a new connection.
    """
    work = partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_tailer_threads, _work, work)


def _work(work: Callable[[], T]) -> T:
    connection.close_if_unusable_or_obsolete()
    try:
        return work()
    except (OperationalError, InterfaceError):
        connection.close()
        raise
