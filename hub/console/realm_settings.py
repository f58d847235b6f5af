"""Settings: what a realm's people decide about it, and how much of it its operator allows."""

from dataclasses import dataclass

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat

from hub.console.downloads import download
from hub.console.forms import ConfirmForm, say
from hub.console.pages import show
from hub.console.settings_form import SettingsForm
from hub.grants.models import Grant
from hub.memory.models import MemoryEntry
from hub.memory.usage import usage_of
from hub.messages.models import Message
from hub.realm_export import export_realm
from hub.sessions.models import Session
from hub.sessions.presence import OpenStream
from realms.members.models import Membership
from realms.members.rules import Member
from realms.models import ApiKey, Realm
from realms.owners import change_settings, delete_realm
from realms.person import person_of
from realms.refusal import Refusal

ROOM = "realm-settings"
COUNTED_ROWS = 10_000  # to count all of a big table takes long


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of something a realm uses, and may."""

    name: str
    used: int
    most: int
    is_bytes: bool = False

    @property
    def said(self) -> str:
        """How much of how much, in words."""
        used, most = (filesizeformat(n) if self.is_bytes else f"{n:,}" for n in (self.used, self.most))
        return f"{used} of {most}"

    @property
    def is_nearly_full(self) -> bool:
        """Tell whether a tenth is left, or less."""
        return self.used * 10 >= self.most * 9


def quotas_of(realm: Realm) -> list[Quota]:
    """Return what the operator has set bounds to."""
    usage = usage_of(realm.pk)
    streams = OpenStream.objects.in_realm(realm.pk).alive().count()
    return [
        Quota("Sessions", Session.objects.in_realm(realm.pk).count(), realm.max_sessions),
        Quota("Open streams", streams, realm.max_streams),
        Quota("Memory entries", usage.entries, realm.memory_max_entries),
        Quota("Memory", usage.bytes, realm.memory_max_bytes, is_bytes=True),
    ]


def show_settings(request: HttpRequest, member: Member) -> HttpResponse:
    """Show the settings and how full the realm is."""
    form = SettingsForm(instance=member.realm)
    facts = [(field.label, _said(field.name, getattr(member.realm, field.name))) for field in form]
    context = {"facts": facts, "quotas": quotas_of(member.realm)}
    return show(request, member, "settings.html", context, room=ROOM)


def _said(name: str, value: int | bool | None) -> str:
    match value:
        case None:
            return "for ever" if name == "audit_retention_days" else "the hub's default"
        case bool():
            return "yes" if value else "no"
        case _:
            return f"{value:,}"


def change(request: HttpRequest, member: Member) -> HttpResponse:
    """Change settings: what was changed in the form, and nothing that somebody else changed meanwhile."""
    form = SettingsForm(request.POST or None, instance=member.realm)
    if form.is_valid():
        try:
            change_settings(realm=form.instance, names=form.changed_data, by=person_of(request))
        except Refusal as refusal:
            say(form, refusal)
        else:
            flash.success(request, "The settings are saved." if form.changed_data else "Nothing was changed.")
            return redirect(ROOM, member.realm.pk)
    status = 400 if form.errors else 200
    return show(request, member, "settings_change.html", {"form": form}, room=ROOM, status=status)


def export(request: HttpRequest, member: Member) -> HttpResponseBase:
    """Send all that the realm holds as one file."""
    return download(
        request,
        lambda: export_realm(realm=member.realm, by=person_of(request)),
        name=f"{member.realm.slug}.jsonl",
        content_type="application/x-ndjson",
    )


def delete(request: HttpRequest, member: Member) -> HttpResponse:
    """Delete the realm, after a look at what goes with it and its name typed."""
    form = ConfirmForm(request.POST or None, expected=member.realm.slug)
    if form.is_valid():
        delete_realm(realm=member.realm, by=person_of(request))
        flash.success(request, f"{member.realm.slug} is deleted. What it held is removed within the hour.")
        return redirect("home")
    context = {"form": form, "goes": _what_goes(member.realm), "most": COUNTED_ROWS}
    status = 400 if form.errors else 200
    return show(request, member, "realm_delete.html", context, room=ROOM, status=status)


def _what_goes(realm: Realm) -> list[tuple[str, int]]:
    """Count what a realm holds, to `COUNTED_ROWS` of each."""
    found = {
        "keys": ApiKey.objects.in_realm(realm.pk),
        "sessions": Session.objects.in_realm(realm.pk),
        "messages": Message.objects.in_realm(realm.pk),
        "memory entries": MemoryEntry.objects.in_realm(realm.pk),
        "grants": Grant.objects.in_realm(realm.pk),
        "other members": Membership.objects.filter(realm=realm),
    }
    return [(what, rows.order_by()[:COUNTED_ROWS].count()) for what, rows in found.items()]
