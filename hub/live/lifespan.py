"""The process's life (ASGI lifespan): the live half begins and ends with it.

An ASGI server that is told to end waits for open connections, and streams do not end by themselves. So the
signal comes here first, and goes on to the server when the streams have been told.
"""

import asyncio
import contextlib
import ctypes
import gc
import signal
import threading
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings

from hub.activity import rules as activity
from hub.live import switchboard

# What a process made until now stays until its end: the collector need not look at it again. A full
# collection of a busy process was the whole tail of the streams' latency (90 ms).
YOUNG_OBJECTS = 50_000
# glibc's `mallopt`. A block of this size or more goes back to the system as soon as it is free. Left alone,
# glibc raises the size to that of the largest block ever freed: a process keeps what its largest bodies took.
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
LARGE_BLOCK_BYTES = 128 * 1024
ARENAS = 2

log = structlog.get_logger(__name__)


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """ASGI application for the `lifespan` scope."""
    while True:
        try:
            message = await receive()
        except asyncio.CancelledError:  # somebody told the process twice to end, and does not wait
            return
        if message["type"] == "lifespan.startup":
            switchboard.begin()
            _drain_first()
            spare_the_collector()
            return_large_blocks()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            try:
                await switchboard.end()
            except Exception as error:
                log.warning("what streams sent last is not marked as read", error=repr(error))
            await asyncio.to_thread(activity.flush_last)  # a signal that ends the process skips atexit
            await send({"type": "lifespan.shutdown.complete"})
            return


def spare_the_collector() -> None:
    """Have the collector of this process pass over whatever was made until now."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


def return_large_blocks() -> None:
    """Have this process give large blocks back to the system, where the C library is glibc."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
        mallopt(M_ARENA_MAX, ARENAS)


def _drain_first() -> None:
    """Have the signals that end the process drain it before they reach the server."""
    if threading.current_thread() is not threading.main_thread():
        return  # a server of the tests: signals are another's
    loop = asyncio.get_running_loop()
    # Whoever types Ctrl-C waits for no balancer.
    for number, seconds in ((signal.SIGTERM, settings.HUB_DRAIN_SECONDS), (signal.SIGINT, 0.0)):
        server_handler: Any = signal.getsignal(number)
        if callable(server_handler):
            signal.signal(number, _draining(loop, server_handler, seconds))


def _draining(
    loop: asyncio.AbstractEventLoop, server_handler: Callable[..., Any], seconds: float
) -> Callable[..., Any]:
    def drain(number: int) -> None:
        switchboard.drain()
        loop.call_later(seconds, server_handler, number, None)

    def handle(number: int, frame: Any) -> None:
        if switchboard.draining():
            server_handler(number, frame)  # told twice: no waiting
        else:
            loop.call_soon_threadsafe(drain, number)

    return handle
