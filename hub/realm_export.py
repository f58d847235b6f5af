"""All that a realm holds, as lines of JSON, for its owner to take along.

It is read in batches while the realm goes on: what changes meanwhile may be there as it was or as it is.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

import msgspec
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from hub.grants.models import Grant
from hub.memory.models import MemoryEntry, MemoryNamespace
from hub.messages.models import HUB, Delivery, Message
from hub.sessions.models import Session
from hub.wire import rfc3339
from realms import ids
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.audit.models import AuditEvent
from realms.members.models import Invitation
from realms.members.rules import members_of
from realms.models import ApiKey, ApiKeySecret, Realm
from realms.owners import OWN_SETTINGS, locked_realm
from realms.refusal import Refusal
from realms.spans import Written

BATCH = 1000
# Of rows that may be large: an entry has up to 64 KiB, a message 256 KiB.
SMALL_BATCH = 50
QUOTAS = ("max_sessions", "max_streams", "memory_max_entries", "memory_max_bytes")

Line = dict[str, Any]
Row = TypeVar("Row", bound=models.Model)


def export_realm(*, realm: Realm, by: Actor) -> Iterator[bytes]:
    """Return the lines of everything that a realm holds but secrets and their digests.

    Each is a JSON object whose `type` says what it is, the realm first and the audit log last, so that it
    ends with the export itself.

    Raises:
        Refusal: `role_missing`, to all but the owner and operators; `not_found` (the realm was deleted).
    """
    with transaction.atomic():
        locked = locked_realm(realm)
        if not by.runs_hub and (by.user is None or by.user.pk != locked.owner_id):
            raise Refusal("role_missing")
        audit.append("realm.exported", realm_id=realm.pk, by=by, target=realm.pk)
    return _lines(locked)


def _lines(realm: Realm) -> Iterator[bytes]:
    parts: tuple[Callable[[Realm], Iterator[Line]], ...] = (
        _realm,
        _people,
        _keys,
        _sessions,
        _memory,
        _grants,
        _messages,
        _audit_events,
    )
    encode = msgspec.json.Encoder().encode
    for part in parts:
        for line in part(realm):
            yield encode(line) + b"\n"


def _realm(realm: Realm) -> Iterator[Line]:
    settings = {name: getattr(realm, name) for name in (*OWN_SETTINGS, *QUOTAS)}
    yield {
        "type": "realm",
        "exported_at": rfc3339(timezone.now()),
        "id": realm.pk,
        "slug": realm.slug,
        "owner": realm.owner.email,
        "status": realm.status,
        "created_at": rfc3339(realm.created_at),
        "settings": settings,
    }


def _people(realm: Realm) -> Iterator[Line]:
    for member in members_of(realm):
        since = rfc3339(member.since)
        yield {"type": "member", "email": member.user.email, "role": member.role, "since": since}
    for invitation in Invitation.objects.in_realm(realm.pk).select_related("invited_by").order_by("pk"):
        yield {
            "type": "invitation",
            "id": invitation.pk,
            "email": invitation.email,
            "role": invitation.role,
            "invited_by": invitation.invited_by.email,
            "created_at": rfc3339(invitation.created_at),
            "expires_at": rfc3339(invitation.expires_at),
        }


def _keys(realm: Realm) -> Iterator[Line]:
    of_keys = models.Prefetch("secrets", ApiKeySecret.objects.defer("digest").order_by("pk"))
    keys = ApiKey.objects.in_realm(realm.pk).select_related("created_by").prefetch_related(of_keys)
    for key in _in_batches(keys, "pk"):
        secrets = [
            {
                "last_four": secret.last_four,
                "created_at": rfc3339(secret.created_at),
                "expires_at": _when(secret.expires_at),
            }
            for secret in key.secrets.all()
        ]
        yield {
            "type": "key",
            "id": key.pk,
            "name": key.name,
            "scopes": key.scopes,
            "status": key.status,
            "reads_per_minute": key.reads_per_minute,
            "writes_per_minute": key.writes_per_minute,
            "created_by": key.created_by.email if key.created_by else None,
            "created_at": rfc3339(key.created_at),
            "expires_at": _when(key.expires_at),
            "last_used_at": _when(key.last_used_at),
            "secrets": secrets,
        }


def _sessions(realm: Realm) -> Iterator[Line]:
    for session in _in_batches(Session.objects.filter(realm=realm), "pk"):
        yield {
            "type": "session",
            "id": session.pk,
            "key": session.key_id,
            "name": session.name,
            "kind": session.kind,
            "status": session.status,
            "capabilities": session.capabilities,
            "public_key": session.public_key,
            "manifest": _as_it_stands(session.manifest),
            "created_at": rfc3339(session.created_at),
            "last_seen": rfc3339(session.last_seen),
        }


def _memory(realm: Realm) -> Iterator[Line]:
    for namespace in _in_batches(MemoryNamespace.objects.filter(realm=realm), "name"):
        yield {"type": "namespace", "name": namespace.name, "owner": namespace.owner_id}
    for entry in _in_batches(MemoryEntry.objects.in_realm(realm.pk), "key", size=SMALL_BATCH):
        yield {
            "type": "entry",
            "key": entry.key,
            "value": _as_it_stands(entry.value),
            "version": entry.version,
            "written_by": entry.written_by_id,
            "updated_at": rfc3339(entry.updated_at),
        }


def _grants(realm: Realm) -> Iterator[Line]:
    for grant in _in_batches(Grant.objects.in_realm(realm.pk), "pk"):
        yield {
            "type": "grant",
            "id": grant.pk,
            "from": grant.requester_id,
            "to": grant.grantor_id,
            "capability": grant.capability,
            "namespace": grant.namespace or None,
            "status": grant.status,
            "reason": grant.reason,
            "created_at": rfc3339(grant.created_at),
            "decided_at": _when(grant.decided_at),
            "ended_at": _when(grant.ended_at),
            "expires_at": rfc3339(grant.expires_at),
        }


def _messages(realm: Realm) -> Iterator[Line]:
    """Yield each message, followed by its deliveries.

    These are not prefetched: that ties a message and what it says into a circle, which stays in memory until
    the garbage is collected, seldom in a server.
    """
    for batch in _batches(Message.objects.in_realm(realm.pk), "sent_at", "pk", size=SMALL_BATCH):
        deliveries: defaultdict[str, list[Delivery]] = defaultdict(list)
        of_batch = Delivery.objects.filter(message__in=[message.pk for message in batch])
        for delivery in of_batch.order_by("recipient", "seq"):
            deliveries[delivery.message_id].append(delivery)
        for message in batch:
            yield _message(message)
            yield from map(_delivery, deliveries[message.pk])


def _message(message: Message) -> Line:
    return {
        "type": "message",
        "id": message.pk,
        "from": message.sender_id or HUB,
        "to": message.recipients,
        "category": message.category,
        "payload": _as_it_stands(message.payload),
        "signed": _as_it_stands(message.envelope) if message.envelope else None,
        "reply_to": ids.id_of(ids.MESSAGE, message.reply_to) if message.reply_to else None,
        "capability": message.capability or None,
        "sent_at": rfc3339(message.sent_at),
        "expires_at": _when(message.expires_at),
    }


def _delivery(delivery: Delivery) -> Line:
    return {
        "type": "delivery",
        "message": delivery.message_id,
        "recipient": delivery.recipient_id,
        "seq": delivery.seq,
        "delivered_at": _when(delivery.delivered_at),
        "read_at": _when(delivery.read_at),
    }


def _audit_events(realm: Realm) -> Iterator[Line]:
    for event in _in_batches(AuditEvent.objects.in_realm(realm.pk), "number"):
        yield {"type": "audit_event", **audit.content_of(event)}


def _in_batches(found: QuerySet[Row], *fields: str, size: int = BATCH) -> Iterator[Row]:
    return chain.from_iterable(_batches(found, *fields, size=size))


def _batches(found: QuerySet[Row], *fields: str, size: int) -> Iterator[list[Row]]:
    """Yield rows in the order of one or two columns, which tell them apart, without a query that lasts."""
    found = found.order_by(*fields)
    rest = found
    while rows := list(rest[:size]):
        yield rows
        first, *second = (_as_compared(getattr(rows[-1], field)) for field in fields)
        after = Q((f"{fields[0]}__gt", first))
        if second:
            # The first condition is implied by the other: it is what an index is entered with.
            same = Q((fields[0], first), (f"{fields[1]}__gt", *second))
            after = Q((f"{fields[0]}__gte", first)) & (after | same)
        rest = found.filter(after)


def _as_compared(value: Any) -> Any:
    return Written(value) if isinstance(value, datetime) else value


def _when(moment: Any) -> str | None:
    return rfc3339(moment) if moment is not None else None


def _as_it_stands(text: str) -> msgspec.Raw:
    """Return JSON text, to be written as it is kept."""
    return msgspec.Raw(text.encode())
