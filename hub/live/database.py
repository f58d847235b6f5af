"""The database from coroutines: a few threads with a connection each, whatever the number of streams.

What opens streams and answers pings has threads of its own, so that a crowd which comes back at once does
not keep the tailer from those who are there.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A few threads, each with a database connection while it needs one."""

    def __init__(self, name: str, count: int) -> None:
        self._executor = ThreadPoolExecutor(max_workers=count, thread_name_prefix=name)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that uses the database in one of the threads."""
        run: Any = database_sync_to_async(function, thread_sensitive=False, executor=self._executor)
        result: T = await run(*args, **kwargs)
        return result


in_database = Threads("live", 2).run
in_tailer_thread = Threads("tailer", 2).run  # one reads, one marks
