"""The tailer: one per process, reads what is new for all open streams of the process.

Rings tell it where to look; within 2 s it looks everywhere, so that a lost ring delays and never loses. It
uses one query for many inboxes, and its two threads are all that it takes of the database. A message that
was sent in the same process comes with its ring, and needs no look if it is the next one of its inbox.
"""

import asyncio
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import islice

import structlog
from django.db.models.functions import Now

from hub import metrics
from hub.live.database import in_tailer_thread
from hub.live.outlet import Outlet
from hub.messages import feed
from hub.messages.feed_event import FeedEvent
from hub.sessions.models import Session
from hub.sessions.presence import OpenStream, beat, return_to_life
from realms import identity
from realms.identity import KeyIdentity
from realms.refusal import Refusal

SURVEY_SECONDS = 1.5
INBOXES_PER_LOOK = 200
INBOXES_PER_QUERY = 100
MESSAGES_PER_QUERY = 500
NOTE_SECONDS = 0.1  # what is noted together costs one transaction
NOTES_PER_UPDATE = 200
BACKOFF_SECONDS = 0.5

SHUTTING_DOWN = "shutting_down"
DEREGISTERED = "session_deregistered"
REVOKED = "key_revoked"
DISABLED = "key_disabled"
TOKEN_EXPIRED = "token_expired"  # noqa: S105  no password

log = structlog.get_logger(__name__)


class Tailer:
    """Reads inboxes for outlets and marks as read what they wrote."""

    def __init__(self, process_id: uuid.UUID) -> None:
        self.process_id = process_id
        self.outlets: dict[str, set[Outlet]] = defaultdict(set)
        self.draining = False
        self._woken: dict[str, float] = {}  # and since when
        self._work = asyncio.Event()
        self._round: deque[str] = deque()
        self._pause = SURVEY_SECONDS
        self._next_look = 0.0
        self._sent: dict[str, list[int]] = defaultdict(list)
        self._closed: dict[uuid.UUID, str] = {}
        self._to_note = asyncio.Event()
        self._next_note = 0.0

    def add(self, outlet: Outlet) -> None:
        """Serve an outlet from now on."""
        self.outlets[outlet.session_id].add(outlet)
        if self.draining:
            outlet.close(SHUTTING_DOWN)

    def remove(self, outlet: Outlet) -> None:
        """Forget an outlet whose stream has ended."""
        outlets = self.outlets.get(outlet.session_id, set())
        outlets.discard(outlet)
        if not outlets:
            self.outlets.pop(outlet.session_id, None)
        self._closed[outlet.id] = outlet.session_id
        self._to_note.set()

    def hear(self, news: Mapping[str, object]) -> None:
        """Pass on what is told to be new in inboxes; where that is not known or not all, look soon."""
        self.ring([name for name, what in news.items() if name in self.outlets and not self._pass_on(what)])

    def _pass_on(self, what: object) -> bool:
        """Queue the message that follows what is queued; False if not all outlets that want it have it."""
        if not isinstance(what, FeedEvent):
            return False
        now = time.monotonic()
        for outlet in self.outlets[what.session_id]:
            if outlet.queued == what.seq - 1:
                outlet.offer([what], rung=now)
        return all(outlet.behind or outlet.queued >= what.seq for outlet in self.outlets[what.session_id])

    def ring(self, names: Iterable[str]) -> None:
        """Look at these inboxes soon."""
        here = [name for name in names if name in self.outlets]
        if here:
            self._wake(here)
            self._work.set()

    def _wake(self, session_ids: Iterable[str]) -> None:
        now = time.monotonic()
        for session_id in session_ids:
            self._woken.setdefault(session_id, now)

    def sent(self, outlet: Outlet, seq: int) -> None:
        """Note that a message was written to a socket."""
        self._sent[outlet.session_id].append(seq)
        self._to_note.set()

    def drain(self) -> None:
        """Have all streams end, because the process does."""
        self.draining = True
        for outlet in self._all():
            outlet.close(SHUTTING_DOWN)

    async def run(self) -> None:
        """Work until cancelled: read what is new, and beside it note what was done."""
        async with asyncio.TaskGroup() as both:
            both.create_task(_for_ever(self._tail))
            both.create_task(_for_ever(self._note))

    async def _tail(self) -> None:
        try:
            async with asyncio.timeout(max(0.0, self._next_look - time.monotonic())):
                await self._work.wait()
        except TimeoutError:
            pass
        self._work.clear()
        if time.monotonic() >= self._next_look:
            await self._look()
            self._next_look = time.monotonic() + self._pause
        await self._read()

    def _all(self) -> list[Outlet]:
        return [outlet for outlets in self.outlets.values() for outlet in outlets]

    async def _look(self) -> None:
        """Look at the next inboxes of the round whether or not the bell rang for them.

        A round takes `SURVEY_SECONDS` however many inboxes there are: at once they would hold up the loop.
        """
        if not self._round:
            self._round.extend(self.outlets)
            self._pause = SURVEY_SECONDS / max(1, -(-len(self._round) // INBOXES_PER_LOOK))
            if self._round:
                await self._beat()
        count = min(len(self._round), INBOXES_PER_LOOK)
        outlets = [o for _ in range(count) for o in self.outlets.get(self._round.popleft(), ())]
        if not outlets:
            return
        numbers = await in_tailer_thread(feed.newest_numbers, {outlet.session_id for outlet in outlets})
        identities = await in_tailer_thread(_identities, outlets)
        for outlet in outlets:
            if outlet.session_id not in numbers:
                outlet.close(DEREGISTERED)
            elif reason := _why_ended(identities.get(_credential(outlet))):
                outlet.close(reason)
            elif not outlet.behind and numbers[outlet.session_id] > outlet.queued:
                self._wake([outlet.session_id])

    async def _beat(self) -> None:
        """Tell that this process lives; if the others took it for dead, register its streams again."""
        if not await in_tailer_thread(beat, self.process_id):
            rows = [
                OpenStream(id=o.id, realm_id=o.realm_id, session_id=o.session_id, process_id=self.process_id)
                for o in self._all()
                if o.closing is None
            ]
            await in_tailer_thread(return_to_life, self.process_id, rows)

    async def _read(self) -> None:
        while self._woken:
            batch = dict(islice(self._woken.items(), INBOXES_PER_QUERY))
            for session_id in batch:
                del self._woken[session_id]
            cursors = {}
            for session_id in batch:
                live = [outlet.queued for outlet in self.outlets.get(session_id, ()) if not outlet.behind]
                if live:
                    cursors[session_id] = min(live)
            if not cursors:
                continue
            each = max(1, MESSAGES_PER_QUERY // len(cursors))  # a backlog does not keep the others waiting
            try:
                found = await in_tailer_thread(feed.read_many, cursors, each=each)
            except BaseException:
                self._woken.update(batch)
                raise
            now = time.monotonic()
            for since in batch.values():
                metrics.TAILER_LAG.observe(now - since)
            for session_id, events in found.items():
                for outlet in self.outlets.get(session_id, ()):
                    if outlet.queued >= cursors[session_id]:
                        outlet.offer(events, rung=batch[session_id])
                    elif not outlet.behind:  # it opened meanwhile, and wants what lies before these too
                        self._wake([session_id])
            self._wake([name for name, events in found.items() if len(events) == each])  # there may be more

    async def _note(self) -> None:
        await self._to_note.wait()
        await asyncio.sleep(self._next_note - time.monotonic())  # at once, if there was nothing for a while
        self._to_note.clear()
        try:
            await self.flush()
        except BaseException:
            self._to_note.set()
            raise
        self._next_note = time.monotonic() + NOTE_SECONDS

    async def flush(self) -> None:
        """Write down what was sent and which streams ended."""
        while self._sent:
            sent = {name: self._sent.pop(name) for name in list(islice(self._sent, NOTES_PER_UPDATE))}
            try:
                await in_tailer_thread(feed.mark_sent, sent)
            except BaseException:
                for session_id, seqs in sent.items():
                    self._sent[session_id].extend(seqs)
                raise
        while self._closed:
            closed = {name: self._closed.pop(name) for name in list(islice(self._closed, NOTES_PER_UPDATE))}
            try:
                await in_tailer_thread(_forget_streams, closed)
            except BaseException:
                self._closed |= closed
                raise


async def _for_ever(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await step()
        except Exception as error:
            log.warning("streams wait for the database", error=repr(error))
            await asyncio.sleep(BACKOFF_SECONDS)


def _forget_streams(closed: dict[uuid.UUID, str]) -> None:
    OpenStream.objects.filter(pk__in=closed).delete()
    sessions = Session.objects.filter(pk__in=set(closed.values()))
    sessions.exclude(status=Session.Status.DEREGISTERED).update(last_seen=Now())


def _credential(outlet: Outlet) -> int | str:
    """Return what an outlet was opened with: the secret of a key, or, by a token, the key."""
    return outlet.key_id if outlet.secret_id is None else outlet.secret_id


def _identities(outlets: list[Outlet]) -> dict[int | str, KeyIdentity]:
    """Return the credentials of outlets as they are now."""
    credentials = {_credential(outlet) for outlet in outlets}
    secrets = identity.current([each for each in credentials if isinstance(each, int)])
    keys = identity.current_keys([each for each in credentials if isinstance(each, str)])
    return dict([*secrets.items(), *keys.items()])


def _why_ended(key: KeyIdentity | None) -> str | None:
    if key is None:
        return REVOKED
    try:
        key.refuse_unless_live()
        key.refuse_if_suspended()
    except Refusal as refusal:
        return DISABLED if refusal.code == "invalid_credentials" else refusal.code
    return None
