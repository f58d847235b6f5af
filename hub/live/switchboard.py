"""What a server process has one of: the tailer of its streams, the watches for pongs and the console."""

import asyncio
from collections.abc import Callable

from hub.bell import News, bell
from hub.live.feed_watch import FeedWatch
from hub.live.pong_watch import PongWatch
from hub.live.tailer import Tailer

_tailer: Tailer | None = None
_pong_watch: PongWatch | None = None
_feed_watch: FeedWatch | None = None
_tasks: list[asyncio.Task[None]] = []
_at_drain: list[Callable[[], None]] = []


def tailer() -> Tailer:
    """Return the process's tailer; there is one between `begin` and `end`."""
    assert _tailer is not None, "the live half runs only in a server with lifespan"
    return _tailer


def pong_watch() -> PongWatch:
    """Return the process's watch for pongs."""
    assert _pong_watch is not None, "the live half runs only in a server with lifespan"
    return _pong_watch


def feed_watch() -> FeedWatch:
    """Return the process's watch for the console."""
    assert _feed_watch is not None, "the live half runs only in a server with lifespan"
    return _feed_watch


def _hear(news: News) -> None:
    tailer().hear(news)
    pong_watch().ring(news.keys())


def begin() -> None:
    """Start the live half on the running loop."""
    global _tailer, _pong_watch, _feed_watch
    bell.adopt(asyncio.get_running_loop(), _hear)
    _tailer, _pong_watch, _feed_watch = Tailer(bell.process_id), PongWatch(), FeedWatch()
    work = (_tailer.run(), _pong_watch.run(), _feed_watch.run(), bell.hear_others())
    _tasks.extend(asyncio.create_task(each) for each in work)


def draining() -> bool:
    """Tell whether the process is about to end."""
    return _tailer is not None and _tailer.draining


def when_draining(act: Callable[[], None]) -> None:
    """Have `act` called on the loop when the process begins to drain."""
    _at_drain.append(act)


def drain() -> None:
    """Have all streams end and call what waits for it; nothing happens in a process without streams."""
    if _tailer is not None:
        _tailer.drain()
        feed_watch().drain()
        for act in _at_drain:
            act()


async def end() -> None:
    """Stop the live half, after a last note of what was sent."""
    global _tailer
    for task in _tasks:
        task.cancel()
    await asyncio.gather(*_tasks, return_exceptions=True)
    _tasks.clear()
    _at_drain.clear()
    bell.leave()
    if _tailer is not None:
        await _tailer.flush()
        _tailer = None
