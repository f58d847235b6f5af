"""Presence: which streams are open, and which process holds them.

A process writes one row and beats it; a stream's row counts only while its process beats, so that a
process that is killed takes its streams with it and nobody has to clean up at once.
"""

import uuid
from datetime import timedelta
from typing import ClassVar, Self

from django.db import models, transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from hub.prepared import PreparedQuery
from hub.sessions.models import Session
from realms.ids import REALM, SESSION
from realms.models import Realm
from realms.refusal import Refusal

PROCESS_TIMEOUT_SECONDS = 15
_ALIVE_SINCE = Now() - timedelta(seconds=PROCESS_TIMEOUT_SECONDS)
STREAMS_PER_SESSION = 8
STREAM_RETRY_SECONDS = 5
STREAMS_PER_INSERT = 1000


class LiveProcessQuerySet(models.QuerySet["LiveProcess"]):
    """Server processes."""

    def alive(self) -> Self:
        """Keep those that beat."""
        return self.filter(beat_at__gt=_ALIVE_SINCE)


class LiveProcess(models.Model):
    """A server process that holds streams."""

    id = models.UUIDField(primary_key=True)
    beat_at = models.DateTimeField(db_default=Now())

    objects = LiveProcessQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "live processes"

    def __str__(self) -> str:
        return str(self.pk)


class OpenStreamQuerySet(models.QuerySet["OpenStream"]):
    """Streams that are open."""

    def in_realm(self, realm_id: str) -> Self:
        """Keep one realm's streams."""
        return self.filter(realm_id=realm_id)

    def alive(self) -> Self:
        """Keep the streams of processes that are alive."""
        return self.filter(process__beat_at__gt=_ALIVE_SINCE)


class OpenStream(models.Model):
    """A stream that a session has open."""

    id = models.UUIDField(primary_key=True)
    realm = models.ForeignKey(Realm, models.CASCADE, related_name="+", db_index=False)
    session = models.ForeignKey(Session, models.CASCADE, related_name="streams")
    process = models.ForeignKey(LiveProcess, models.CASCADE, related_name="streams")
    opened_at = models.DateTimeField(db_default=Now())

    objects = OpenStreamQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            # Every send asks for a session's in its realm. By the realm alone it would read thousands.
            models.Index("realm", "session", name="stream_of_session"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


def open_stream(*, session: Session, process_id: uuid.UUID) -> OpenStream:
    """Note that a process opens a stream for a session.

    Other openings in the realm are kept out until the commit, so that together they stay within bounds.

    Raises:
        Refusal: `too_many_streams`.
    """
    with transaction.atomic():
        realm = Realm.objects.select_for_update(no_key=True).only("max_streams").get(pk=session.realm_id)
        # By their ids: a join is what PostgreSQL takes most of the time for with thousands of streams.
        processes = list(LiveProcess.objects.alive().values_list("pk", flat=True))
        if process_id not in processes:
            LiveProcess.objects.update_or_create(pk=process_id, defaults={"beat_at": Now()})
        alive = OpenStream.objects.in_realm(realm.pk).filter(process__in=processes)
        count = alive.aggregate(of_session=Count("pk", filter=Q(session=session)), of_realm=Count("pk"))
        if count["of_session"] >= STREAMS_PER_SESSION or count["of_realm"] >= realm.max_streams:
            raise Refusal("too_many_streams", headers={"Retry-After": str(STREAM_RETRY_SECONDS)})
        return OpenStream.objects.create(id=uuid.uuid4(), realm=realm, session=session, process_id=process_id)


def beat(process_id: uuid.UUID) -> bool:
    """Tell that a process lives; False if it was taken for dead, with its streams."""
    return bool(LiveProcess.objects.filter(pk=process_id).update(beat_at=Now()))


def return_to_life(process_id: uuid.UUID, streams: list[OpenStream]) -> None:
    """Note again a process that was taken for dead, and its streams."""
    LiveProcess.objects.get_or_create(pk=process_id)
    OpenStream.objects.bulk_create(streams, ignore_conflicts=True, batch_size=STREAMS_PER_INSERT)


def _alive(realm_id: str, session_id: str) -> QuerySet[OpenStream]:
    return OpenStream.objects.in_realm(realm_id).alive().filter(session_id=session_id)


_alive_of_session = PreparedQuery(_alive, ids={"realm_id": REALM, "session_id": SESSION})


def connected(realm_id: str, session_ids: list[str]) -> set[str]:
    """Return those of a realm's sessions that have a stream open now."""
    if len(session_ids) == 1:
        [session_id] = session_ids
        return {stream.session_id for stream in _alive_of_session(realm_id=realm_id, session_id=session_id)}
    alive = OpenStream.objects.in_realm(realm_id).alive().filter(session_id__in=session_ids)
    return set(alive.values_list("session_id", flat=True))


def sweep_processes() -> int:
    """Forget processes that died, and the streams that they held; return how many rows went."""
    dead = Now() - timedelta(seconds=4 * PROCESS_TIMEOUT_SECONDS)
    return LiveProcess.objects.filter(beat_at__lt=dead).delete()[0]
