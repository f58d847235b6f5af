"""Memory: what agents keep, level by level, and the values for those who may see them."""

import re
from itertools import accumulate

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from hub.console.json_html import json_html
from hub.console.onward import onward
from hub.console.pages import show
from hub.grants.patterns import KEY_PATTERN, SEGMENT
from hub.memory.models import KEY_CHARACTERS, MemoryEntry, MemoryNamespace
from hub.memory.rules import remove_entry
from hub.memory.tree import Held, branches, held_by, held_in, namespaces_of
from hub.memory.usage import usage_of
from hub.wire import strict
from realms.members.models import Role
from realms.members.rules import Member
from realms.person import person_of
from realms.refusal import Refusal, refusal_at

ROOM = "realm-memory"
NOTHING: Held = {"entries": 0, "bytes": 0, "newest": None}

_KEY = re.compile(strict(KEY_PATTERN))
_SEGMENT = re.compile(strict(f"^{SEGMENT}$"))


def show_memory(request: HttpRequest, member: Member) -> HttpResponse:
    """Show the namespaces, or what lies below the query's `prefix`."""
    prefix = request.GET.get("prefix")
    if prefix is not None:
        return _show_below(request, member, prefix)
    realm_id = member.realm.pk
    page = onward(request, namespaces_of(realm_id), by="name", parse=_segment)
    held = held_in(realm_id, page.rows)
    rows = [(namespace, held.get(namespace.pk, NOTHING)) for namespace in page.rows]
    context = {"page": page, "namespaces": rows, "usage": usage_of(realm_id)}
    return show(request, member, "memory.html", context, room=ROOM)


def _show_below(request: HttpRequest, member: Member, prefix: str) -> HttpResponse:
    if _key(prefix) is None:
        raise refusal_at("/prefix", f"“{prefix[:80]}” is no key: those are words with dots between them.")
    namespace = namespace_in(member, prefix.split(".")[0])
    page = onward(request, branches(namespace, prefix), by="segment", parse=_segment)
    context = {
        "page": page,
        "prefix": prefix,
        "crumbs": crumbs(prefix),
        "namespace": namespace,
        "held": held_by(namespace) if prefix == namespace.name else None,
        "itself": MemoryEntry.objects.in_realm(member.realm.pk).filter(key=prefix).exists(),
    }
    return show(request, member, "memory_below.html", context, room=ROOM)


def namespace_in(member: Member, name: str) -> MemoryNamespace:
    """Return a namespace of the realm.

    Raises:
        Refusal: `not_found`.
    """
    named = _segment(name)
    namespace = namespaces_of(member.realm.pk).filter(name=named).first() if named else None
    if namespace is None:
        raise Refusal("not_found", "The realm has no such namespace.")
    return namespace


def crumbs(key: str) -> list[tuple[str, str]]:
    """Return the way to a key: each of its segments, with the prefix that ends there."""
    segments = key.split(".")
    return list(zip(segments, accumulate(segments, "{}.{}".format), strict=True))


def show_entry(request: HttpRequest, member: Member, key: str) -> HttpResponse:
    """Show an entry, and its value to those who may see it."""
    entry = _entry_in(member, key)
    value = json_html(entry.value) if member.may(Role.ADMIN) else None
    context = {"entry": entry, "crumbs": crumbs(key), "value": value}
    return show(request, member, "memory_entry.html", context, room=ROOM)


def delete_entry(request: HttpRequest, member: Member, key: str) -> HttpResponse:
    """Delete an entry, after a look at what it is."""
    entry = _entry_in(member, key)
    if request.method != "POST":
        return show(request, member, "memory_entry_delete.html", {"entry": entry}, room=ROOM)
    remove_entry(entry=entry, by=person_of(request))
    flash.success(request, f"The entry {entry.key} is deleted.")
    return redirect(below(member, entry.key.rpartition(".")[0] or entry.key))


def below(member: Member, prefix: str) -> str:
    """Return the path of the page of what lies below a prefix."""
    return reverse(ROOM, args=[member.realm.pk], query={"prefix": prefix})


def _entry_in(member: Member, key: str) -> MemoryEntry:
    """Return an entry of the realm, without its value where the member may not see it."""
    entries = MemoryEntry.objects.in_realm(member.realm.pk).select_related("namespace__owner", "written_by")
    entries = entries.defer("namespace__owner__manifest", "written_by__manifest")
    if not member.may(Role.ADMIN):
        entries = entries.defer("namespace__owner__manifest", "written_by__manifest", "value")
    entry = entries.filter(key=key).first() if _key(key) else None
    if entry is None:
        raise Refusal("not_found", "The realm has no such entry.")
    return entry


def _key(text: str) -> str | None:
    return text if len(text) <= KEY_CHARACTERS and _KEY.search(text) else None


def _segment(text: str) -> str | None:
    return text if len(text) <= KEY_CHARACTERS and _SEGMENT.search(text) else None
