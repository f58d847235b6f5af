"""The audit log: append to it, and verify it.

Each realm has a chain: an event holds the SHA-256 of the one before it, and the head's row the SHA-256 of
the last. So an edit, a removal or a reordering breaks the chain. Whoever can write to the database could
cut the end off, or compute all of the chain anew, and set the head to match: that shows against a head
that was noted elsewhere.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785
from django.db import connection
from django.utils import timezone

from realms.audit.actor import Actor
from realms.audit.models import TARGET_CHARACTERS, AuditEvent, AuditHead

# A first event follows 32 zero bytes.
GENESIS = bytes(32)
BATCH = 1000

_HEAD = re.compile(r"([0-9]{1,19}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: the number of its last event and that event's digest."""

    number: int
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Read what `str` of a head writes: the number, a colon and 64 hexadecimal digits.

        Raises:
            ValueError: it is none.
        """
        match = _HEAD.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a head such as 12:9f86d0…")
        return cls(int(match[1]), bytes.fromhex(match[2]))

    def __str__(self) -> str:
        return f"{self.number}:{self.digest.hex()}"


def append(
    action: str, *, realm_id: str, by: Actor, target: str, details: Mapping[str, Any] | None = None
) -> None:
    """Write an event in the transaction of the change that it is about.

    Call it last: it locks the end of the realm's chain, which is locked after sessions, grants, inboxes
    and everything else, and until the commit.

    Args:
        action: a noun and what happened to it, such as `grant.revoked`.
        target: the id (or the memory key) of what was changed.
        details: JSON without secrets, payloads, values and free text.
    """
    assert connection.in_atomic_block, "an event is written with the change that it is about"
    head = AuditHead.objects.select_for_update().filter(realm_id=realm_id).first()
    if head is None:
        AuditHead.objects.get_or_create(realm_id=realm_id)
        head = AuditHead.objects.select_for_update().get(realm_id=realm_id)
    event = AuditEvent(
        realm_id=realm_id,
        number=head.number + 1,
        at=timezone.now(),
        actor_kind=by.kind,
        actor=by.name,
        action=action,
        target=target[:TARGET_CHARACTERS],
        request_id=by.request_id,
        address=by.address,
        details=dict(details or {}),
        previous=bytes(head.digest),
    )
    event.save()
    AuditHead.objects.filter(realm_id=realm_id).update(number=event.number, digest=digest_of(event))


def content_of(event: AuditEvent) -> dict[str, Any]:
    """Return everything that an event says, as it is digested and exported."""
    return {
        "id": event.pk,
        "realm": event.realm_id,
        "number": event.number,
        "at": event.at.isoformat(),
        "actor": [event.actor_kind, event.actor],
        "action": event.action,
        "target": event.target,
        "request_id": event.request_id,
        "address": event.address,
        "details": event.details,
        "previous": bytes(event.previous).hex(),
    }


def digest_of(event: AuditEvent) -> bytes:
    """Return the SHA-256 of the RFC 8785 form of everything that an event says."""
    return hashlib.sha256(rfc8785.dumps(content_of(event))).digest()


def cut_of(realm_id: str) -> Head:
    """Return up to where a realm's chain was cut off, which is where it begins now."""
    head = AuditHead.objects.filter(realm_id=realm_id).first()
    return Head(head.cut_number, bytes(head.cut_digest)) if head and head.cut_digest else Head(0, GENESIS)


def head_of(realm_id: str) -> Head:
    """Return where a realm's chain ends now, to be noted elsewhere."""
    head = AuditHead.objects.filter(realm_id=realm_id).first()
    return Head(head.number, bytes(head.digest)) if head else Head(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Walk:
    """How far along its chain a realm's log was verified.

    Attributes:
        head: where the chain ended when the walk began: events that are appended meanwhile lie beyond it.
        last: the last event that was looked at, as it stands; before the first, what was cut off last, or
            number 0.
        awaits: a head that was noted earlier and that the walk has not come by; None if there is none.
    """

    head: Head
    last: Head = Head(0, GENESIS)
    awaits: Head | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether there is nothing more to look at."""
        return self.last.number >= self.head.number


def begin_walk(realm_id: str, *, noted: Head | None = None) -> Walk:
    """Return the walk along a realm's chain as it is now, before the first event that is kept.

    Args:
        noted: a head of the chain from an earlier time, which the chain still has to lead through.
    """
    begins = cut_of(realm_id)
    return Walk(head_of(realm_id), begins, None if noted in (begins, Head(0, GENESIS)) else noted)


def walk_on(realm_id: str, walk: Walk, *, events: int = BATCH) -> tuple[Walk, list[str]]:
    """Verify the next `events` of a chain; return how far it is then, and what is wrong, in words.

    The last step says too what is wrong with the ends of the chain.
    """
    faults = []
    last, awaits = walk.last, walk.awaits
    cut = cut_of(realm_id)
    if cut.number > last.number:  # meanwhile
        last = cut
    chain = AuditEvent.objects.in_realm(realm_id).filter(number__lte=walk.head.number)
    part = list(chain.filter(number__gt=last.number)[:events])
    for event in part:
        if event.number != last.number + 1:
            faults.append(f"between event {last.number} and event {event.number} some are missing")
        if bytes(event.previous) != last.digest:
            faults.append(
                f"event {event.number} does not follow what stands before it: an edit, or another order"
            )
        last = Head(event.number, digest_of(event))
        awaits = None if awaits == last else awaits
    if len(part) < events or last.number >= walk.head.number:
        faults += _faults_at_the_ends(realm_id, cut, walk.head, last, awaits)
        return Walk(walk.head, Head(max(last.number, walk.head.number), last.digest), awaits), faults
    return Walk(walk.head, last, awaits), faults


def _faults_at_the_ends(
    realm_id: str, cut: Head, head: Head, last: Head, awaits: Head | None
) -> Iterator[str]:
    if last != head:
        yield f"the chain ends with event {last.number}, not as the head says with event {head.number}"
    outside = AuditEvent.objects.in_realm(realm_id)
    before = outside.filter(number__lte=cut.number).first()
    if before is not None:
        yield f"event {before.number} stands before the first"
    beyond = outside.filter(number__gt=head.number).first()
    if beyond is not None and head_of(realm_id) == head:
        yield f"event {beyond.number} stands beyond the head"
    if awaits is not None and awaits.number < cut.number:
        yield (
            f"the noted head {awaits} lies before event {cut.number + 1}, with which the log begins since "
            "older ones were cut off as the realm's settings say: only a newer head can be looked for"
        )
    elif awaits is not None:
        yield f"the chain does not lead through the noted head {awaits}: it was cut off or written anew"


def verify(realm_id: str, *, noted: Head | None = None) -> Iterator[str]:
    """Yield what is wrong with a realm's chain, in words; nothing if it is whole.

    Args:
        noted: as of `begin_walk`.
    """
    walk = begin_walk(realm_id, noted=noted)
    while True:
        walk, faults = walk_on(realm_id, walk)
        yield from faults
        if walk.is_over:
            return
