"""The tailer: one per process, reads what is new for all open streams of the process.

Rings tell it where to look; every 2 s it looks everywhere, so that a lost ring delays and never loses. It
uses one query for many inboxes, and holds a database connection only while it reads.
"""

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable

import structlog
from django.db.models.functions import Now

from hub.live.database import in_database
from hub.live.outlet import Outlet
from hub.messages import feed
from hub.sessions.models import Session
from hub.sessions.presence import LiveProcess, OpenStream
from realms import identity
from realms.identity import KeyIdentity
from realms.refusal import Refusal

SURVEY_SECONDS = 2.0
BACKOFF_SECONDS = 0.5
INBOXES_PER_QUERY = 100
MESSAGES_PER_QUERY = 500

SHUTTING_DOWN = "shutting_down"
DEREGISTERED = "session_deregistered"
REVOKED = "key_revoked"
DISABLED = "key_disabled"
TOKEN_EXPIRED = "token_expired"  # noqa: S105  no password

log = structlog.get_logger(__name__)


class Tailer:
    """Reads inboxes for outlets and marks as read what they wrote."""

    def __init__(self) -> None:
        self.process_id = uuid.uuid4()
        self.outlets: dict[str, set[Outlet]] = defaultdict(set)
        self._woken: set[str] = set()
        self._sent: dict[str, list[int]] = defaultdict(list)
        self._closed: dict[uuid.UUID, str] = {}
        self._work = asyncio.Event()
        self._next_survey = 0.0
        self._draining = False

    def add(self, outlet: Outlet) -> None:
        """Serve an outlet from now on."""
        self.outlets[outlet.session_id].add(outlet)
        if self._draining:
            outlet.close(SHUTTING_DOWN)

    def remove(self, outlet: Outlet) -> None:
        """Forget an outlet whose stream has ended."""
        outlets = self.outlets.get(outlet.session_id, set())
        outlets.discard(outlet)
        if not outlets:
            self.outlets.pop(outlet.session_id, None)
        self._closed[outlet.id] = outlet.session_id
        self._work.set()

    def ring(self, names: Iterable[str]) -> None:
        """Look at these inboxes soon."""
        here = [name for name in names if name in self.outlets]
        if here:
            self._woken.update(here)
            self._work.set()

    def sent(self, outlet: Outlet, seq: int) -> None:
        """Note that a message was written to a socket."""
        self._sent[outlet.session_id].append(seq)
        self._work.set()

    def drain(self) -> None:
        """Have all streams end, because the process does."""
        self._draining = True
        for outlet in self._all():
            outlet.close(SHUTTING_DOWN)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                async with asyncio.timeout(max(0.0, self._next_survey - time.monotonic())):
                    await self._work.wait()
            except TimeoutError:
                pass
            self._work.clear()
            try:
                await self.step()
            except Exception as error:
                log.warning("streams wait for the database", error=repr(error))
                await asyncio.sleep(BACKOFF_SECONDS)

    async def step(self) -> None:
        """Do what is to be done now: survey if it is time, read what is new, mark what was sent."""
        if time.monotonic() >= self._next_survey:
            await self._survey()
            self._next_survey = time.monotonic() + SURVEY_SECONDS
        await self._read()
        await self.flush()

    def _all(self) -> list[Outlet]:
        return [outlet for outlets in self.outlets.values() for outlet in outlets]

    async def _survey(self) -> None:
        outlets = self._all()
        if not outlets:
            return
        numbers = await in_database(feed.newest_numbers, list(self.outlets))
        identities = await in_database(_identities, outlets)
        for outlet in outlets:
            if outlet.session_id not in numbers:
                outlet.close(DEREGISTERED)
            elif reason := _why_ended(identities.get(_credential(outlet))):
                outlet.close(reason)
            elif not outlet.behind and numbers[outlet.session_id] > outlet.queued:
                self._woken.add(outlet.session_id)
        await in_database(self._beat, [outlet for outlet in outlets if outlet.closing is None])

    def _beat(self, outlets: list[Outlet]) -> None:
        """Tell that this process lives; if the others took it for dead, register its streams again."""
        if LiveProcess.objects.filter(pk=self.process_id).update(beat_at=Now()):
            return
        LiveProcess.objects.get_or_create(pk=self.process_id)
        rows = [
            OpenStream(id=o.id, realm_id=o.realm_id, session_id=o.session_id, process_id=self.process_id)
            for o in outlets
        ]
        OpenStream.objects.bulk_create(rows, ignore_conflicts=True)

    async def _read(self) -> None:
        while self._woken:
            batch = [self._woken.pop() for _ in range(min(len(self._woken), INBOXES_PER_QUERY))]
            cursors = {}
            for session_id in batch:
                live = [outlet.queued for outlet in self.outlets.get(session_id, ()) if not outlet.behind]
                if live:
                    cursors[session_id] = min(live)
            if not cursors:
                continue
            try:
                found = await in_database(feed.read_many, cursors, limit=MESSAGES_PER_QUERY)
            except BaseException:
                self._woken.update(batch)
                raise
            for session_id, events in found.items():
                for outlet in self.outlets.get(session_id, ()):
                    outlet.offer(events)
            if sum(map(len, found.values())) == MESSAGES_PER_QUERY:
                self._woken.update(cursors)  # there may be more

    async def flush(self) -> None:
        """Write down what was sent and which streams ended."""
        if self._sent:
            sent, self._sent = self._sent, defaultdict(list)
            try:
                await in_database(feed.mark_sent, sent)
            except BaseException:
                for session_id, seqs in sent.items():
                    self._sent[session_id].extend(seqs)
                raise
        if self._closed:
            closed, self._closed = self._closed, {}
            try:
                await in_database(_forget_streams, closed)
            except BaseException:
                self._closed |= closed
                raise


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
