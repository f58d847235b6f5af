"""The watch for the console: one per process, tells those who look at a realm when it changed."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import structlog
from django_eventstream import send_event
from django_eventstream.views import Listener

from hub.live.database import in_database
from hub.live.watch import TRAFFIC, Look, Viewer, look_at, may_still_look
from realms.refusal import Refusal

LOOK_SECONDS = 2.0
# A realm in which something flows all the time makes its pages ask anew at every third look, and no more.
TRAFFIC_LOOKS = 3
FEEDS_PER_PERSON = 16  # in one process
FORBIDDEN, SHUTTING_DOWN = "forbidden", "shutting-down"

log = structlog.get_logger(__name__)


class FeedWatch:
    """Knows who looks at which realm in this process, and tells them when it changed."""

    def __init__(self) -> None:
        self._listeners: dict[Listener, Viewer] = {}
        self._seen: dict[str, Look] = {}  # what was told
        self._rests: Counter[str] = Counter()  # looks until a realm's traffic is told again
        self._work = asyncio.Event()

    @property
    def count(self) -> int:
        """How many pages are told."""
        return len(self._listeners)

    @contextlib.contextmanager
    def listening(self, viewer: Viewer) -> Iterator[Listener]:
        """Give a listener that is told, until the block ends.

        Raises:
            Refusal: `rate_limited`, to whoever has very many pages open.
        """
        people = Counter(other.user_id for other in self._listeners.values())
        if people[viewer.user_id] >= FEEDS_PER_PERSON:
            raise Refusal("rate_limited", "Too many pages are open.", headers={"Retry-After": "60"})
        listener = Listener()
        listener.user_id = viewer.user_id
        listener.channels = {viewer.realm_id}
        self._listeners[listener] = viewer
        self._work.set()  # while nobody looks, nothing is asked
        try:
            yield listener
        finally:
            del self._listeners[listener]

    async def begin(self, viewer: Viewer) -> None:
        """See to it that what changes in a realm from now on is told."""
        if viewer.realm_id not in self._seen:
            looks = await in_database(look_at, {viewer.realm_id})
            self._seen = looks | self._seen

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            if not self._listeners:
                self._seen.clear()
                self._work.clear()
                await self._work.wait()
            try:
                await self._look()
            except Exception as error:
                log.warning("the console's feeds are late", error=repr(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        viewers = set(self._listeners.values())
        looks = await in_database(look_at, {viewer.realm_id for viewer in viewers})
        # Afterwards, so that nobody is told of what ended their own look.
        allowed = await in_database(may_still_look, viewers)
        for listener, viewer in self._listeners.items():
            if viewer in viewers - allowed:
                self._end(listener, FORBIDDEN)
        self._rests -= Counter(self._rests.keys())
        seen_by_any = {viewer.realm_id for viewer in allowed}
        told = {realm: self._tell(realm, look) for realm, look in looks.items() if realm in seen_by_any}
        watched = {viewer.realm_id for viewer in self._listeners.values()}
        self._seen = {realm: look for realm, look in (self._seen | told).items() if realm in watched}

    def _tell(self, realm_id: str, look: Look) -> Look:
        """Send what changed, and return what the pages of a realm know then."""
        before = self._seen.get(realm_id, look)
        if self._rests[realm_id]:
            look = replace(look, traffic=before.traffic)
        topics = look.topics_since(before)
        for topic in topics:
            send_event(realm_id, topic, {})
        if TRAFFIC in topics:
            self._rests[realm_id] = TRAFFIC_LOOKS
        return look

    def drain(self) -> None:
        """End all feeds, because the process does; the pages come back to another."""
        for listener in self._listeners:
            self._end(listener, SHUTTING_DOWN)

    def _end(self, listener: Listener, condition: str) -> None:
        listener.error = {"condition": condition, "text": condition}
        listener.aevent.set()
