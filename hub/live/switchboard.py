"""What a server process has one of: the tailer of its streams, and the pings that wait in it."""

import asyncio
import contextlib
from collections.abc import Iterator

from hub.bell import bell
from hub.live.tailer import Tailer

_tailer: Tailer | None = None
_waiting: dict[str, asyncio.Event] = {}
_tasks: list[asyncio.Task[None]] = []


def tailer() -> Tailer:
    """Return the process's tailer; there is one between `begin` and `end`."""
    assert _tailer is not None, "the live half runs only in a server with lifespan"
    return _tailer


@contextlib.contextmanager
def waiting_for(ping_id: str) -> Iterator[asyncio.Event]:
    """Give an event that is set when the bell rings for a ping."""
    _waiting[ping_id] = asyncio.Event()
    try:
        yield _waiting[ping_id]
    finally:
        del _waiting[ping_id]


def _hear(names: frozenset[str]) -> None:
    tailer().ring(names)
    for name in names:
        if name in _waiting:
            _waiting[name].set()


def begin() -> None:
    """Start the live half on the running loop."""
    global _tailer
    _tailer = Tailer()
    bell.adopt(asyncio.get_running_loop(), _hear)
    _tasks.extend([asyncio.create_task(_tailer.run()), asyncio.create_task(bell.hear_others())])


def draining() -> bool:
    """Tell whether the process is about to end."""
    return _tailer is not None and _tailer.draining


def drain() -> None:
    """Have all streams end; nothing happens in a process without any."""
    if _tailer is not None:
        _tailer.drain()


async def end() -> None:
    """Stop the live half, after a last note of what was sent."""
    global _tailer
    for task in _tasks:
        task.cancel()
    await asyncio.gather(*_tasks, return_exceptions=True)
    _tasks.clear()
    bell.leave()
    if _tailer is not None:
        await _tailer.flush()
        _tailer = None
