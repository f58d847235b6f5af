"""Reading the audit log: what events say, apart from their time and their place in the chain."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from realms.audit.rules import head_of
from realms.models import AuditEvent, AuditHead, Realm

# Of a client that numbers its requests; the hub takes the id over.
REQUEST_ID = "req-42"
TRACED = {"X-Request-ID": REQUEST_ID}
CLIENT_ADDRESS = "127.0.0.1"
OPERATORS_ADDRESS = "203.0.113.7"


@dataclass(frozen=True)
class Said:
    """What one event says."""

    action: str
    target: str
    realm_id: str
    actor: tuple[str, str]
    request_id: str = ""
    address: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def heads() -> dict[str, int]:
    """Return where every realm's chain ends now."""
    return dict(AuditHead.objects.values_list("realm_id", "number"))


def said_since(before: dict[str, int]) -> list[Said]:
    """Return what the events say that were written after `heads` returned `before`, realm by realm."""
    old = Q()
    for realm_id, number in before.items():
        old |= Q(realm_id=realm_id, number__lte=number)
    return [said_by(event) for event in AuditEvent.objects.exclude(old).order_by("realm", "number")]


def said_by(event: AuditEvent) -> Said:
    """Return what an event says."""
    return Said(
        action=event.action,
        target=event.target,
        realm_id=event.realm_id,
        actor=(event.actor_kind, event.actor),
        request_id=event.request_id,
        address=event.address,
        details=event.details,
    )


def events_of(realm: Realm) -> list[AuditEvent]:
    """Return a realm's events in the order of its chain."""
    return list(AuditEvent.objects.in_realm(realm.pk))


def noted_head(realm: Realm) -> str:
    """Return where a realm's chain ends, as an operator notes it elsewhere."""
    return str(head_of(realm.pk))
