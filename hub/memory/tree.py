"""A realm's memory as a tree, whose levels are the segments of keys. It is the database that groups them."""

from datetime import datetime
from typing import Any, TypedDict

from django.db.models import Count, F, Max, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Concat, Left, StrIndex, Substr

from hub.memory.models import MemoryEntry, MemoryNamespace, in_subtree

DOT = "."


class Held(TypedDict):
    """What entries add up to.

    Attributes:
        bytes: of their values.
        newest: when one of them was last written; None where there is none.
    """

    entries: int
    bytes: int
    newest: datetime | None


_HELD: dict[str, Any] = {
    "entries": Count("pk"),
    "bytes": Coalesce(Sum("size"), 0),
    "newest": Max("updated_at"),
}


def namespaces_of(realm_id: str) -> QuerySet[MemoryNamespace]:
    """Return a realm's namespaces with their owners, who may be deregistered."""
    namespaces = MemoryNamespace.objects.filter(realm_id=realm_id)
    return namespaces.select_related("owner").defer("owner__manifest")


def held_in(realm_id: str, namespaces: list[MemoryNamespace]) -> dict[int, Held]:
    """Return what some namespaces hold, by their primary key; an empty one is left out."""
    entries = MemoryEntry.objects.in_realm(realm_id).filter(namespace__in=namespaces)
    found: Any = entries.order_by().values("namespace_id").annotate(**_HELD)
    return {row["namespace_id"]: row for row in found}


def held_by(namespace: MemoryNamespace) -> Held:
    """Return what a namespace holds."""
    return _entries_of(namespace).aggregate(**_HELD)  # type: ignore[return-value]


def branches(namespace: MemoryNamespace, prefix: str) -> QuerySet[Any, dict[str, Any]]:
    """Return what lies below a prefix by its next segment, as dicts with `Held` and more.

    Their `segment` is the next one; `itself` is 1 where an entry's key ends with it, and else 0.

    Args:
        prefix: a key that lies in the namespace, or its name.
    """
    rest = Substr("key", len(prefix) + len(DOT) + 1)
    below = _entries_of(namespace).filter(in_subtree(prefix)).annotate(rest=rest)
    # With a dot behind the last segment too, each ends with one.
    ends = StrIndex(Concat("rest", Value(DOT)), Value(DOT))
    branched: QuerySet[Any, Any] = below.annotate(segment=Left("rest", ends - 1))
    ending = Count("pk", filter=Q(rest=F("segment")))
    grouped: QuerySet[Any, dict[str, Any]] = (
        branched.order_by().values("segment").annotate(itself=ending, **_HELD)
    )
    return grouped


def _entries_of(namespace: MemoryNamespace) -> QuerySet[MemoryEntry]:
    return MemoryEntry.objects.in_realm(namespace.realm_id).filter(namespace=namespace)
