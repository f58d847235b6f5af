"""Memory: read, write, delete."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from hub.grants.models import Grant
from hub.grants.patterns import KEY_PATTERN, SUBTREE, covers, entries_covered
from hub.memory.models import (
    KEY_CHARACTERS,
    MemoryEntry,
    MemoryEntryQuerySet,
    MemoryNamespace,
    OwnedEntry,
)
from hub.memory.namespaces import (
    NamespaceMissingError,
    claim_namespaces,
    lock_all_namespaces,
    lock_namespaces,
)
from hub.memory.usage import count
from hub.prepared import PreparedQuery
from hub.sessions.models import Session
from hub.wire import strict
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.ids import REALM
from realms.refusal import Refusal, listed, refusal_at

VALUE_BYTES = 65_536

_KEY = re.compile(strict(KEY_PATTERN))


@dataclass(frozen=True, slots=True)
class Write:
    """One entry to write.

    Attributes:
        value: strict and compact JSON.
        if_version: the version that the entry must have now, 0 for none, None for any.
    """

    key: str
    value: bytes
    if_version: int | None


def readable(*, session: Session) -> MemoryEntryQuerySet:
    """Return the entries that `session` may read: its own, and what its active grants cover."""
    allowed = Q(namespace__owner=session)
    for grant in (
        Grant.objects.in_realm(session.realm_id).active().filter(requester=session, capability="memory.read")
    ):
        allowed |= Q(namespace__owner=grant.grantor_id) & entries_covered(grant.namespace)
    return MemoryEntry.objects.in_realm(session.realm_id).filter(allowed)


def read_namespace(*, session: Session, prefix: str | None) -> MemoryEntryQuerySet:
    """Return what `session` may read under `prefix`, or of the whole store.

    Raises:
        Refusal: `grant_required`, where there are entries and it may read none of them.
    """
    entries = readable(session=session)
    if prefix is None:
        return entries
    entries = entries.under(prefix)
    if not entries.exists():
        there = MemoryEntry.objects.in_realm(session.realm_id).under(prefix)
        if (hidden := there.with_owner().order_by("key").first()) is not None:
            # The namespace that was asked for, and not the key that was found: its name is hidden too.
            wanted = prefix if hidden.key == prefix else f"{prefix}{SUBTREE}"
            raise _grant_required("memory.read", wanted, {hidden.owner_id})
    return entries


def read_entry(*, session: Session, key: str) -> OwnedEntry:
    """Return one entry.

    Raises:
        Refusal: `memory_key_not_found`, `grant_required`.
    """
    _refuse_unless_key(key)
    entry = _entry(session, key)
    if not _may(session, entry, "memory.read"):
        raise _grant_required("memory.read", key, {entry.owner_id})
    return entry


def delete_entry(*, session: Session, key: str, by: Actor) -> None:
    """Delete one entry. Its namespace stays with its owner.

    Raises:
        Refusal: `memory_key_not_found`, `grant_required`.
    """
    _refuse_unless_key(key)
    with transaction.atomic():
        lock_namespaces(session.realm_id, [key.split(".")[0]])
        entry = _entry(session, key)
        if not _may(session, entry, "memory.delete"):
            raise _grant_required("memory.delete", key, {entry.owner_id})
        _remove(entry, by=by)


def write_entries(*, session: Session, writes: list[Write]) -> list[str]:
    """Write all entries or none, and return their keys. Who writes a namespace first owns it.

    Raises:
        Refusal: `invalid_request` (a key twice), `value_too_large`, `grant_required`,
            `version_conflict`, `quota_exceeded`.
    """
    _check_batch(writes)
    names = sorted({write.key.split(".")[0] for write in writes})
    lock: Callable[[Session, list[str]], Mapping[str, MemoryNamespace]] = lock_all_namespaces
    while True:
        try:
            with transaction.atomic():
                _write(session, writes, lock(session, names))
        except NamespaceMissingError:
            lock = claim_namespaces  # anew, before any is locked: to add some then would be out of order
        else:
            return [write.key for write in writes]


def check_may_write(*, session: Session, keys: Collection[str]) -> None:
    """Raise `Refusal` `grant_required` unless `session` may write the keys now."""
    names = {key.split(".")[0] for key in keys}
    there = MemoryNamespace.objects.filter(realm_id=session.realm_id, name__in=names)
    _check_owners(session, {namespace.name: namespace for namespace in there}, keys)


def remove_entry(*, entry: MemoryEntry, by: Actor) -> None:
    """Delete an entry from the console or the admin, whoever owns it."""
    with transaction.atomic():
        lock_namespaces(entry.realm_id, [entry.key.split(".")[0]])
        still_there = MemoryEntry.objects.in_realm(entry.realm_id).filter(pk=entry.pk).first()
        if still_there is not None:
            _remove(still_there, by=by)


def _write(
    session: Session,
    writes: list[Write],
    namespaces: Mapping[str, MemoryNamespace],
) -> None:
    _check_owners(session, namespaces, [write.key for write in writes])
    there = {entry.key: entry for entry in _entries(session.realm_id, [write.key for write in writes])}
    _check_versions(writes, there)
    growth = sum(len(write.value) for write in writes) - sum(entry.size for entry in there.values())
    now = timezone.now()
    for write in writes:
        if (entry := there.get(write.key)) is None:
            entry = MemoryEntry(realm_id=session.realm_id, key=write.key, version=0)
            entry.namespace = namespaces[write.key.split(".")[0]]
        entry.value, entry.size = write.value.decode(), len(write.value)
        entry.version += 1
        entry.written_by, entry.updated_at = session, now
        there[write.key] = entry
    new = [entry for entry in there.values() if entry.pk is None]
    old = [entry for entry in there.values() if entry.pk is not None]
    MemoryEntry.objects.bulk_create(new)
    _update(session.realm_id, old)
    # The total's row is locked last and for the shortest time: all writers of the realm share it.
    count(session.realm_id, entries=len(new), size=growth)


def _entries(realm_id: str, keys: list[str]) -> Iterable[MemoryEntry]:
    if len(keys) == 1:
        return _entry_of_key(realm_id=realm_id, key=keys[0])
    return MemoryEntry.objects.in_realm(realm_id).filter(key__in=keys)


def _update(realm_id: str, entries: list[MemoryEntry]) -> None:
    columns = ["value", "size", "version", "written_by", "updated_at"]
    mine = MemoryEntry.objects.in_realm(realm_id)
    if len(entries) == 1:  # as most writes are, at a third of what one of several costs
        [entry] = entries
        mine.filter(pk=entry.pk).update(**{column: getattr(entry, column) for column in columns})
    else:
        mine.bulk_update(entries, columns)


def _remove(entry: MemoryEntry, *, by: Actor) -> None:
    MemoryEntry.objects.in_realm(entry.realm_id).filter(pk=entry.pk).delete()
    count(entry.realm_id, entries=-1, size=-entry.size)
    audit.append("memory.deleted", realm_id=entry.realm_id, by=by, target=entry.key)


def _refuse_unless_key(key: str) -> None:
    """Nothing lies under what is no key, and PostgreSQL cannot even be asked for NUL."""
    if len(key) > KEY_CHARACTERS or not _KEY.search(key):
        raise Refusal("memory_key_not_found")


def _by_key(realm_id: str, key: str) -> QuerySet[OwnedEntry]:
    return MemoryEntry.objects.in_realm(realm_id).filter(key=key).with_owner()


_entry_of_key = PreparedQuery(_by_key, ids={"realm_id": REALM}, texts=("key",))


def _entry(session: Session, key: str) -> OwnedEntry:
    for entry in _entry_of_key(realm_id=session.realm_id, key=key):
        return entry
    raise Refusal("memory_key_not_found")


def _may(session: Session, entry: OwnedEntry, capability: str) -> bool:
    owner = entry.owner_id
    return owner == session.pk or any(
        covers(pattern, entry.key) for pattern in _patterns(session, capability, {owner}).get(owner, [])
    )


def _patterns(session: Session, capability: str, owners: set[str]) -> Mapping[str, list[str]]:
    """Return the namespaces of `session`'s active grants of `capability`, by who gave them."""
    given: dict[str, list[str]] = {}
    grants = Grant.objects.in_realm(session.realm_id).active()
    for grant in grants.filter(requester=session, capability=capability, grantor__in=owners):
        given.setdefault(grant.grantor_id, []).append(grant.namespace)
    return given


def _grant_required(capability: str, wanted: str, owners: Collection[str]) -> Refusal:
    """Return the refusal that says how to ask the first of `owners` for a grant of `wanted`."""
    to, *_ = owners
    return Refusal(
        "grant_required",
        f"No active {capability} grant covers this. Ask its owner with POST /api/v1/grants "
        f'{{"to": "{to}", "capability": "{capability}", "namespace": "{wanted}"}}.',
        members={"capability": capability, "owners": sorted(owners)},
    )


def _check_batch(writes: list[Write]) -> None:
    seen: set[str] = set()
    for i, write in enumerate(writes):
        if write.key in seen:
            raise refusal_at(f"/entries/{i}/key", f"The key {write.key} is given twice.")
        seen.add(write.key)
    sizes = [(i, write.key, len(write.value)) for i, write in enumerate(writes)]
    if too_large := [entry for entry in sizes if entry[2] > VALUE_BYTES]:
        keys = listed([key for _, key, _ in too_large])
        errors = [
            {"pointer": f"/entries/{i}/value", "detail": f"{size} bytes as compact JSON"}
            for i, _, size in too_large
        ]
        raise Refusal("value_too_large", f"Larger than {VALUE_BYTES} bytes: {keys}.", errors=errors)


def _check_owners(session: Session, namespaces: Mapping[str, MemoryNamespace], keys: Collection[str]) -> None:
    foreign = {name: space for name, space in namespaces.items() if space.owner_id != session.pk}
    if not foreign:
        return
    given = _patterns(session, "memory.write", {space.owner_id for space in foreign.values()})
    denied = []
    for i, key in enumerate(keys):
        space = foreign.get(key.split(".")[0])
        if space and not any(covers(pattern, key) for pattern in given.get(space.owner_id, [])):
            denied.append((i, key, space.owner_id))
    if denied:
        owners = dict.fromkeys(owner for _, _, owner in denied)
        refusal = _grant_required("memory.write", denied[0][1], owners)
        refusal.errors = [
            {"pointer": f"/entries/{i}/key", "detail": f"owned by {owner}"} for i, _, owner in denied
        ]
        raise refusal


def _check_versions(writes: list[Write], there: Mapping[str, MemoryEntry]) -> None:
    versions: dict[str, int] = {}
    errors = []
    for i, write in enumerate(writes):
        version = there[write.key].version if write.key in there else 0
        if write.if_version not in (None, version):
            versions[write.key] = version
            detail = f"{write.key} has version {version}"
            errors.append({"pointer": f"/entries/{i}/if_version", "detail": detail})
    if errors:
        raise Refusal("version_conflict", errors=errors, members={"versions": versions})
