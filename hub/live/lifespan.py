"""The process's life (ASGI lifespan): the live half begins and ends with it."""

import gc
from typing import Any

import structlog

from hub.live import switchboard

# What a process made until now stays until its end: the collector need not look at it again. A full
# collection of a busy process was the whole tail of the streams' latency (90 ms).
YOUNG_OBJECTS = 50_000

log = structlog.get_logger(__name__)


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """ASGI application for the `lifespan` scope."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            switchboard.begin()
            gc.collect()
            gc.freeze()
            gc.set_threshold(YOUNG_OBJECTS, 20, 20)
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            try:
                await switchboard.end()
            except Exception as error:
                log.warning("what streams sent last is not marked as read", error=repr(error))
            await send({"type": "lifespan.shutdown.complete"})
            return
