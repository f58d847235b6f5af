"""The watch for pongs: one per process, looks for all pings that wait in it with one query."""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Set

from hub.live.database import in_database
from hub.messages import pings
from hub.messages.models import Ping

LOOK_AGAIN_SECONDS = 1.5  # the bell is a hint: look anyway after this long

Pong = asyncio.Future[Ping]


class PongWatch:
    """Knows which pings wait in this process, and finds out which were answered."""

    def __init__(self) -> None:
        self._waiting: dict[str, Pong] = {}
        self._rung: set[str] = set()
        self._work = asyncio.Event()

    @contextlib.contextmanager
    def waiting_for(self, ping_id: str) -> Iterator[Pong]:
        """Give a future that becomes the answered ping, or what kept the watch from looking for it."""
        pong = self._waiting[ping_id] = asyncio.get_running_loop().create_future()
        self._work.set()  # while nothing waits, nothing looks
        try:
            yield pong
        finally:
            del self._waiting[ping_id]
            if pong.done() and not pong.cancelled():
                pong.exception()  # seen, though a ping that could not even be sent does not wait for it

    def ring(self, names: Set[str]) -> None:
        """Look soon at those of these pings that wait here."""
        here = self._waiting.keys() & names
        if here:
            self._rung |= here
            self._work.set()

    async def run(self) -> None:
        """Look until cancelled."""
        looked_at = 0.0
        while True:
            left = looked_at + LOOK_AGAIN_SECONDS - time.monotonic()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, left) if self._waiting else None):
                    await self._work.wait()
            self._work.clear()
            wanted, self._rung = self._rung, set()
            if time.monotonic() >= looked_at + LOOK_AGAIN_SECONDS:
                wanted |= self._waiting.keys()
                looked_at = time.monotonic()
            if wanted:
                await self._look(wanted)

    async def _look(self, wanted: set[str]) -> None:
        try:
            answered = await in_database(pings.answered, wanted)
        except Exception as error:
            for pong in self._pongs(wanted):
                pong.set_exception(error)
            return
        for ping in answered:
            for pong in self._pongs({ping.pk}):
                pong.set_result(ping)

    def _pongs(self, ping_ids: set[str]) -> list[Pong]:
        """Return those of pings that somebody still waits for."""
        pongs = [self._waiting[ping_id] for ping_id in ping_ids if ping_id in self._waiting]
        return [pong for pong in pongs if not pong.done()]
