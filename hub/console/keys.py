"""Keys: who has one, what each may do, when it ends, and the ways to end it before."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages as flash
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from hub.console.forms import ConfirmForm, say
from hub.console.key_forms import IssueForm, RotateForm
from hub.console.listing import listing
from hub.console.pages import show
from hub.grants.models import Grant
from hub.sessions.models import Session
from hub.sessions.presence import OpenStream
from realms import keys as rules
from realms.ids import KEY, parse_id
from realms.members.rules import Member
from realms.models import ApiKey, ApiKeySecret
from realms.person import person_of
from realms.refusal import Refusal

ROOM = "realm-keys"
WARN_DAYS = 14
EXPIRED = "expired"


def keys_of(member: Member) -> QuerySet[ApiKey]:
    """Return the realm's keys with what a row shows of each: its working secrets and its sessions."""
    working = ApiKeySecret.objects.defer("digest").filter(
        Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    )
    live = Count("sessions", filter=~Q(sessions__status=Session.Status.DEREGISTERED))
    return (
        ApiKey.objects.in_realm(member.realm.pk)
        .select_related("created_by")
        .prefetch_related(Prefetch("secrets", working.order_by("-pk"), to_attr="working"))
        .annotate(live_sessions=live)
    )


def key_in(member: Member, key_id: str) -> ApiKey:
    """Return a key of the realm.

    Raises:
        Refusal: `not_found`.
    """
    canonical = parse_id(KEY, key_id)
    key = keys_of(member).filter(pk=canonical).first() if canonical else None
    if key is None:
        raise Refusal("not_found", "The realm has no such key.")
    return key


def ending_soon(member: Member) -> QuerySet[ApiKey]:
    """Return the keys that end within `WARN_DAYS`."""
    now = timezone.now()
    active = ApiKey.objects.in_realm(member.realm.pk).filter(status=ApiKey.Status.ACTIVE)
    return active.filter(expires_at__gt=now, expires_at__lt=now + timedelta(days=WARN_DAYS))


@dataclass(frozen=True, slots=True)
class Stops:
    """What stops when a key is revoked."""

    sessions: int
    streams: int
    grants: int


def what_stops(key: ApiKey) -> Stops:
    """Count what depends on a key now."""
    sessions = Session.objects.in_realm(key.realm_id).filter(key=key)
    ids = sessions.values("pk")
    grants = Grant.objects.open().filter(Q(requester__in=ids) | Q(grantor__in=ids))
    streams = OpenStream.objects.alive().filter(session__in=ids)
    return Stops(sessions.count(), streams.count(), grants.count())


def status_of(key: ApiKey) -> str:
    """Return a key's status, which an expiry changes by itself."""
    overdue = key.expires_at is not None and key.expires_at <= timezone.now()
    return EXPIRED if overdue and key.status == ApiKey.Status.ACTIVE else key.status


def list_keys(request: HttpRequest, member: Member) -> HttpResponse:
    """Show all keys, the newest first."""
    page = listing(request, keys_of(member), prefix=KEY)
    rows = [(key, status_of(key)) for key in page.rows]
    context = {"page": page, "keys": rows, "ending": ending_soon(member)}
    return show(request, member, "keys.html", context, room=ROOM)


def issue(request: HttpRequest, member: Member) -> HttpResponse:
    """Make a key, and show its plaintext in the answer: it is kept nowhere to be shown again."""
    form = IssueForm(request.POST or None)
    if form.is_valid():
        said = form.cleaned_data
        try:
            key, plaintext = rules.issue_key(
                realm=member.realm,
                name=said["name"],
                by=person_of(request),
                scopes=said["scopes"],
                expires_at=form.expires_at(),
                reads_per_minute=said["reads_per_minute"],
                writes_per_minute=said["writes_per_minute"],
            )
        except Refusal as refusal:
            say(form, refusal)
        else:
            return _show_once(request, member, key, plaintext)
    return show(
        request, member, "key_issue.html", {"form": form}, room=ROOM, status=400 if form.errors else 200
    )


def show_key(request: HttpRequest, member: Member, key_id: str) -> HttpResponse:
    """Show one key."""
    key = key_in(member, key_id)
    secrets = key.secrets.defer("digest").order_by("-pk")
    context = {
        "key": key,
        "status": status_of(key),
        "in_grace": _in_grace(key),
        "secrets": secrets,
        "sessions": Session.objects.in_realm(member.realm.pk).filter(key=key).order_by("-pk")[:10],
    }
    return show(request, member, "key.html", context, room=ROOM)


def rotate(request: HttpRequest, member: Member, key_id: str) -> HttpResponse:
    """Give a key a new secret, and show it in the answer."""
    key = key_in(member, key_id)
    form = RotateForm(request.POST or None)
    if form.is_valid():
        try:
            plaintext = rules.rotate_key(
                key=key, grace=form.span(), by=person_of(request), force=form.cleaned_data["force"]
            )
        except Refusal as refusal:
            say(form, refusal)
        else:
            return _show_once(request, member, key, plaintext, old=_in_grace(key))
    context = {"key": key, "form": form, "in_grace": _in_grace(key)}
    return show(request, member, "key_rotate.html", context, room=ROOM, status=400 if form.errors else 200)


def end_grace(request: HttpRequest, member: Member, key_id: str) -> HttpResponse:
    """End the secret that a rotation left working."""
    key = key_in(member, key_id)
    rules.end_grace(key=key, by=person_of(request))
    flash.success(request, "The old secret has ended.")
    return _to(key)


def disable(request: HttpRequest, member: Member, key_id: str) -> HttpResponse:
    """Stop a key until it is enabled again."""
    key = key_in(member, key_id)
    rules.set_status(key=key, status=ApiKey.Status.DISABLED, by=person_of(request))
    flash.success(request, "The key is disabled: its requests are refused until you enable it.")
    return _to(key)


def enable(request: HttpRequest, member: Member, key_id: str) -> HttpResponse:
    """Let a disabled key work."""
    key = key_in(member, key_id)
    rules.set_status(key=key, status=ApiKey.Status.ACTIVE, by=person_of(request))
    flash.success(request, "The key works again.")
    return _to(key)


def revoke(request: HttpRequest, member: Member, key_id: str) -> HttpResponse:
    """End a key for good, after a look at what stops with it and its name typed."""
    key = key_in(member, key_id)
    form = ConfirmForm(request.POST or None, expected=key.name)
    if form.is_valid():
        rules.set_status(key=key, status=ApiKey.Status.REVOKED, by=person_of(request))
        flash.success(request, f"“{key.name}” is revoked.")
        return _to(key)
    context = {"key": key, "form": form, "stops": what_stops(key)}
    return show(request, member, "key_revoke.html", context, room=ROOM, status=400 if form.errors else 200)


def _in_grace(key: ApiKey) -> ApiKeySecret | None:
    """Return the older secret of a key that still works; None if only the newest does."""
    return key.secrets.defer("digest").filter(expires_at__gt=timezone.now()).order_by("-pk").first()


def _show_once(
    request: HttpRequest, member: Member, key: ApiKey, plaintext: str, *, old: ApiKeySecret | None = None
) -> HttpResponse:
    context = {"key": key, "plaintext": plaintext, "old": old}
    return show(request, member, "key_shown_once.html", context, room=ROOM)


def _to(key: ApiKey) -> HttpResponse:
    return redirect("realm-key", key.realm_id, key.pk)
