"""The bell: wakes whoever waits for an inbox or a ping, in this process and in the others.

The database is the truth; a ring only says "look". A ring that is lost costs time (the tailer looks by
itself every 2 s) and never a message. Listeners of the process that rings may be told what they would find.
"""

import asyncio
import os
import threading
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import structlog
from channels.layers import get_channel_layer

GROUP = "bell"
RETRY_SECONDS = 1.0
PUBLISH_SECONDS = 1.0

log = structlog.get_logger(__name__)

# By name: what is there to be found, or None where that is not known.
News = Mapping[str, object]
Listener = Callable[[News], None]


class Bell:
    """Carries rings of names (session ids and ping ids) to listeners.

    One long-lived event loop of the process does the carrying: the server's own where there is one, else
    a thread's. What rings within one turn of the loop travels as one message.

    Attributes:
        process_id: of the process, as its open streams and its rings name it.
    """

    process_id: uuid.UUID

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self.process_id = uuid.uuid4()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[str, object] = {}
        self._elsewhere: set[str] = set()
        self._listeners: list[Listener] = []
        self._outbound: set[str] = set()
        self._publisher: asyncio.Task[None] | None = None
        self._is_heard = True

    def ring(self, names: Iterable[str]) -> None:
        """Wake whoever waits for `names`. Callable from any thread; never waits and never fails."""
        news = dict.fromkeys(names)
        self.tell(news, elsewhere=news.keys())

    @property
    def has_listeners(self) -> bool:
        """Whether anybody in this process listens."""
        return bool(self._listeners)

    def tell(self, news: News, *, elsewhere: Collection[str]) -> None:
        """Wake whoever waits for names, and tell listeners of this process what is new with each.

        Args:
            elsewhere: those names that other processes may wait for.
        """
        with self._lock:
            if self._pid != os.getpid():
                self._reset()  # a forked worker has none of its parent's threads
            loop = self._loop or self._start_thread()
            if loop is None:
                return
            first = not self._waiting
            for name, what in news.items():  # of two that came for a name, the one does not say all
                self._waiting[name] = None if name in self._waiting else what
            self._elsewhere.update(elsewhere)
        if first:
            try:
                loop.call_soon_threadsafe(self._carry)
            except RuntimeError:  # the loop closed: the process is ending, and others look by themselves
                self._waiting.clear()
                self._elsewhere.clear()

    def _start_thread(self) -> asyncio.AbstractEventLoop | None:
        if get_channel_layer() is None:
            return None  # embedded, and outside the server: nobody in this process listens
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="bell", daemon=True).start()
        return self._loop

    def _carry(self) -> None:
        with self._lock:
            news, self._waiting = self._waiting, {}
            elsewhere, self._elsewhere = self._elsewhere, set()
        self._tell(news)
        layer = get_channel_layer()
        if layer is not None and elsewhere:
            self._outbound |= elsewhere
            if self._publisher is None or self._publisher.done():
                self._publisher = asyncio.ensure_future(self._publish(layer))

    def _tell(self, news: News) -> None:
        for listener in self._listeners:
            listener(news)

    async def _publish(self, layer: Any) -> None:
        """Tell the other processes, one message at a time: while Redis hangs, names gather and not tasks."""
        while self._outbound:
            names, self._outbound = self._outbound, set()
            message = {"type": "bell.ring", "origin": self.process_id.hex, "names": sorted(names)}
            try:
                async with asyncio.timeout(PUBLISH_SECONDS):
                    await layer.group_send(GROUP, message)
            except Exception as error:
                self._note_heard(False, error=repr(error))
            else:
                self._note_heard(True)

    def _note_heard(self, is_heard: bool, **why: str) -> None:
        if is_heard != self._is_heard:
            self._is_heard = is_heard
            if is_heard:
                log.info("rings reach other processes again")
            else:
                log.warning("rings do not reach other processes, which look by themselves", **why)

    def adopt(self, loop: asyncio.AbstractEventLoop, listener: Listener) -> None:
        """Carry rings on the server's `loop` from now on, and tell `listener` of them there."""
        with self._lock:
            self._reset()
            self._loop = loop
            self._listeners.append(listener)

    def leave(self) -> None:
        """Forget the loop and its listeners."""
        with self._lock:
            self._reset()

    async def hear_others(self) -> None:
        """Pass on the rings of other processes, for ever; needs a channel layer."""
        layer = get_channel_layer()
        while layer is not None:
            try:
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                while True:
                    message = await layer.receive(channel)
                    if message["origin"] != self.process_id.hex:
                        self._tell(dict.fromkeys(message["names"]))
            except Exception as error:
                log.warning("no rings from other processes for now", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)


bell = Bell()
