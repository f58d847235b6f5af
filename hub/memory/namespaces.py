"""Namespaces: claim, inherit, hand over, remove.

Whoever changes an entry, or who owns it, holds its namespace's row until the commit. Several are locked in
the order of their names, after rows of sessions and before the realm's totals and its audit log.
"""

from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce

from hub.memory.models import MemoryEntry, MemoryNamespace
from hub.memory.usage import count
from hub.prepared import PreparedQuery
from hub.sessions.models import Session
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.ids import REALM
from realms.refusal import Refusal, refusal_at


class NamespaceMissingError(Exception):
    """Nobody owns a namespace (any more): whoever wants to write in it begins again, and claims it."""


def claim_namespaces(session: Session, names: list[str]) -> dict[str, MemoryNamespace]:
    """Make `session` the owner of the namespaces that nobody owns, and lock them all.

    Raises:
        NamespaceMissingError: roll back to before the call and claim again; to claim the rest while others
            are held would lock them out of order.
    """
    MemoryNamespace.objects.bulk_create(
        [MemoryNamespace(realm_id=session.realm_id, name=name, owner=session) for name in names],
        ignore_conflicts=True,
    )
    return lock_all_namespaces(session, names)


def lock_all_namespaces(session: Session, names: list[str]) -> dict[str, MemoryNamespace]:
    """Lock namespaces of the session's realm until the commit.

    Raises:
        NamespaceMissingError: one of them is not there.
    """
    locked = lock_namespaces(session.realm_id, names)
    if len(locked) < len(names):
        raise NamespaceMissingError
    return locked


def _by_name(realm_id: str, name: str) -> QuerySet[MemoryNamespace]:
    return MemoryNamespace.objects.select_for_update().filter(realm_id=realm_id, name=name)


_lock_namespace = PreparedQuery(_by_name, ids={"realm_id": REALM}, texts=("name",))


def lock_namespaces(realm_id: str, names: list[str]) -> dict[str, MemoryNamespace]:
    """Lock those of the namespaces that are there until the commit."""
    if len(names) == 1:
        return {each.name: each for each in _lock_namespace(realm_id=realm_id, name=names[0])}
    locked = MemoryNamespace.objects.select_for_update().filter(realm_id=realm_id, name__in=names)
    return {namespace.name: namespace for namespace in locked.order_by("name")}


def inherit_namespaces(*, heir: Session) -> int:
    """Give a new session what a deregistered one of the same name and API key owned; return how many."""
    left = MemoryNamespace.objects.filter(
        realm_id=heir.realm_id,
        owner__key_id=heir.key_id,
        owner__name__iexact=heir.name,
        owner__status=Session.Status.DEREGISTERED,
    )
    with transaction.atomic():
        locked = lock_namespaces(heir.realm_id, list(left.values_list("name", flat=True)))
        return left.filter(pk__in=[namespace.pk for namespace in locked.values()]).update(owner=heir)


def hand_over_namespace(*, realm_id: str, name: str, to_session_id: str, by: Actor) -> None:
    """Make another live session the owner of a namespace and of all entries in it.

    A grant covers what its grantor owns: those of the former owner cover this namespace no more, and those
    that the new owner has given and that name it, or everything, do.

    Raises:
        Refusal: `session_not_found`, `not_found`, `invalid_request` (it is the owner already).
    """
    with transaction.atomic():
        # Held, so that it is not deregistered before the namespace is its own.
        heirs = Session.objects.in_realm(realm_id).select_for_update(no_key=True)
        heir = heirs.filter(pk=to_session_id).first()
        if heir is None:
            raise refusal_at(
                "/to", "The realm has no such session, or it was deregistered.", "session_not_found"
            )
        namespace = _locked(realm_id, name)
        former = namespace.owner_id
        if former == heir.pk:
            raise refusal_at("/to", f"{heir.name} owns {name} already.")
        MemoryNamespace.objects.filter(realm_id=realm_id, pk=namespace.pk).update(owner=heir)
        audit.append(
            "memory.namespace_handed_over",
            realm_id=realm_id,
            by=by,
            target=name,
            details={"from": former, "to": heir.pk},
        )


def remove_namespace(*, realm_id: str, name: str, by: Actor) -> int:
    """Delete a namespace with all its entries, and return how many; who writes in it next owns it.

    Raises:
        Refusal: `not_found`.
    """
    with transaction.atomic():
        namespace = _locked(realm_id, name)
        entries = MemoryEntry.objects.in_realm(realm_id).filter(namespace=namespace)
        held = entries.aggregate(entries=Count("pk"), bytes=Coalesce(Sum("size"), 0))
        entries.delete()
        namespace.delete()
        count(realm_id, entries=-held["entries"], size=-held["bytes"])
        audit.append(
            "memory.namespace_deleted",
            realm_id=realm_id,
            by=by,
            target=name,
            details={"owner": namespace.owner_id, "entries": held["entries"]},
        )
    return int(held["entries"])


def _locked(realm_id: str, name: str) -> MemoryNamespace:
    namespace = lock_namespaces(realm_id, [name]).get(name)
    if namespace is None:
        raise Refusal("not_found", f"The realm has no namespace {name}.")
    return namespace
