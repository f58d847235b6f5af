"""What deleted realms still hold is removed, in small steps beside everything else that goes on."""

import time
from collections.abc import Callable, Iterator

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q

from hub.activity.models import Tally
from hub.grants.models import Grant
from hub.idempotency.models import IdempotencyRecord
from hub.memory.models import MemoryEntry, MemoryNamespace, MemoryUsage
from hub.messages.models import Delivery, Inbox, Message, Ping
from hub.sessions.models import Session
from hub.sessions.presence import OpenStream
from realms.members.models import Invitation, Membership
from realms.models import ApiKey, ApiKeySecret, Realm

ROWS = 1000
# In the embedded mode the other periodic work waits for it.
PURGE_SECONDS = 10.0

# Removes at most so many rows of a realm, and returns how many it was.
Step = Callable[[str, int], int]


def purge_deleted_realms(*, rows: int = ROWS, seconds: float = PURGE_SECONDS) -> int:
    """Remove what deleted realms hold, all but the realm's row and its audit log.

    It may be ended at any moment and begin again, and two may run at once: each step takes its own
    transaction, under the realm's lock.

    Args:
        rows: of one step.
        seconds: when to leave the rest to the next time.

    Returns:
        How many rows went.
    """
    ends = time.monotonic() + seconds
    removed = 0
    for realm_id in _unpurged().values_list("pk", flat=True):
        for step in STEPS:
            while count := _take(step, realm_id, rows):
                removed += count
                if time.monotonic() >= ends:
                    return removed
    return removed


def _unpurged() -> models.QuerySet[Realm]:
    """Return the deleted realms that hold anything: all but the rows of these few belong to a key."""
    holds = Q()
    for model in (ApiKey, MemoryUsage, Tally, Membership, Invitation):
        holds |= Q(Exists(model._default_manager.filter(realm=OuterRef("pk"))))
    return Realm.objects.filter(holds, status=Realm.Status.DELETED).order_by("pk")


def _take(step: Step, realm_id: str, rows: int) -> int:
    with transaction.atomic():
        Realm.objects.select_for_update(no_key=True).get(pk=realm_id)
        return step(realm_id, rows)


def _of_realm(model: type[models.Model], *, through: str = "realm") -> Step:
    """Return the step that removes rows of `model`, whose realm is found `through` a lookup."""

    def remove(realm_id: str, rows: int) -> int:
        found = model._default_manager.filter(**{through: realm_id})
        chosen = list(found.order_by().values_list("pk", flat=True)[:rows])
        model._default_manager.filter(pk__in=chosen).delete()
        return len(chosen)

    return remove


def _idempotency_records(realm_id: str, rows: int) -> int:
    """By their keys, since their realm has no index."""
    keys = ApiKey.objects.in_realm(realm_id).values("pk")
    chosen = list(IdempotencyRecord.objects.filter(key__in=keys).values_list("pk", flat=True)[:rows])
    IdempotencyRecord.objects.filter(pk__in=chosen).delete()
    return len(chosen)


def _deliveries(realm_id: str, rows: int) -> int:
    """Inbox by inbox, as their index has them."""
    removed = 0
    for session_id, seqs in _seqs_by_inbox(realm_id, rows):
        Delivery.objects.filter(recipient=session_id, seq__in=seqs).delete()
        removed += len(seqs)
    return removed


def _seqs_by_inbox(realm_id: str, rows: int) -> Iterator[tuple[str, list[int]]]:
    sessions = Session.objects.filter(realm=realm_id)
    holding = sessions.filter(Exists(Delivery.objects.filter(recipient=OuterRef("pk"))))
    for session_id in holding.order_by().values_list("pk", flat=True)[:rows]:
        seqs = list(Delivery.objects.filter(recipient=session_id).values_list("seq", flat=True)[:rows])
        yield session_id, seqs
        rows -= len(seqs)
        if rows <= 0:
            return


# What refers to others goes before them, so that no step takes more with it than it counts.
STEPS: tuple[Step, ...] = (
    _of_realm(OpenStream),
    _idempotency_records,
    _of_realm(Ping, through="target__realm"),
    _deliveries,
    _of_realm(Message),
    _of_realm(Inbox),
    _of_realm(Grant),
    _of_realm(MemoryEntry),
    _of_realm(MemoryNamespace),
    _of_realm(MemoryUsage),
    _of_realm(Tally),
    _of_realm(Session),
    _of_realm(ApiKeySecret, through="key__realm"),
    _of_realm(ApiKey),
    _of_realm(Invitation),
    _of_realm(Membership),
)
