"""Grants: what waits for a decision, what is allowed now, what was; and decisions in a session's place."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages as flash
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from hub.console.forms import say
from hub.console.grant_forms import NarrowForm
from hub.console.listing import listing
from hub.console.onward import onward
from hub.console.pages import show
from hub.grants import rules
from hub.grants.models import Grant, GrantQuerySet
from hub.grants.transitions import refuse_unless_open, refuse_unless_pending, status_now
from hub.sessions.models import Session
from realms.ids import GRANT, SESSION, parse_id
from realms.members.rules import Member
from realms.person import person_of
from realms.refusal import Refusal, refusal_at

ROOM = "realm-grants"
PENDING, ACTIVE, HISTORY = "pending", "active", "history"
TABS = ((PENDING, "Pending"), (ACTIVE, "Active"), (HISTORY, "History"))


def grants_of(member: Member) -> GrantQuerySet:
    """Return the realm's grants with both sides."""
    grants = Grant.objects.in_realm(member.realm.pk).select_related("requester", "grantor")
    return grants.defer("requester__manifest", "grantor__manifest")


def grant_in(member: Member, grant_id: str) -> Grant:
    """Return a grant of the realm.

    Raises:
        Refusal: `not_found`.
    """
    canonical = parse_id(GRANT, grant_id)
    grant = grants_of(member).filter(pk=canonical).first() if canonical else None
    if grant is None:
        raise Refusal("not_found", "The realm has no such grant.")
    return grant


def list_grants(request: HttpRequest, member: Member) -> HttpResponse:
    """Show the grants of one tab: pending ones from the oldest on, the others from the newest back."""
    tab = request.GET.get("status", PENDING)
    session = _session_asked_for(request, member)
    grants = grants_of(member)
    if session is not None:
        grants = grants.filter(Q(requester=session) | Q(grantor=session))
    context: dict[str, Any] = {"tab": tab, "tabs": TABS, "of_session": session}
    if tab == PENDING:
        queue = onward(request, grants.in_status(PENDING), by="pk", parse=partial(parse_id, GRANT))
        context |= {"page": queue, "grants": queue.rows}
    elif tab in (ACTIVE, HISTORY):
        found = grants.in_status(ACTIVE) if tab == ACTIVE else grants.ended()
        page = listing(request, found, prefix=GRANT)
        context |= {"page": page, "grants": [(grant, status_now(grant)) for grant in page.rows]}
    else:
        raise refusal_at("/status", "Grants are shown by pending, active or history.")
    return show(request, member, "grants.html", context, room=ROOM)


def show_grant(request: HttpRequest, member: Member, grant_id: str) -> HttpResponse:
    """Show one grant."""
    return _show(request, member, grant_in(member, grant_id))


def approve(request: HttpRequest, member: Member, grant_id: str) -> HttpResponse:
    """Let a pending grant begin as it was asked for."""
    return _decide(request, member, grant_id, rules.approve_on_behalf_of_grantor, "may now use")


def deny(request: HttpRequest, member: Member, grant_id: str) -> HttpResponse:
    """Turn a pending grant down."""
    return _decide(request, member, grant_id, rules.deny_on_behalf_of_grantor, "was denied")


def narrow(request: HttpRequest, member: Member, grant_id: str) -> HttpResponse:
    """Let a pending grant begin with less than was asked for."""
    grant = grant_in(member, grant_id)
    form = NarrowForm(request.POST or None, grant=grant)
    try:
        refuse_unless_pending(grant)
        if form.is_valid():
            rules.approve_on_behalf_of_grantor(
                realm_id=member.realm.pk,
                grant_id=grant.pk,
                by=person_of(request),
                namespace=form.pattern(),
                expires_at=form.expiry(),
            )
            flash.success(request, f"{grant.requester} may now use what you left of it.")
            return redirect("realm-grant", member.realm.pk, grant.pk)
    except Refusal as refusal:
        if not refusal.errors:
            return _show(request, member, grant_in(member, grant_id), refusal)
        say(form, refusal)
    context = {"grant": grant, "form": form}
    return show(request, member, "grant_narrow.html", context, room=ROOM, status=400 if form.errors else 200)


def revoke(request: HttpRequest, member: Member, grant_id: str) -> HttpResponse:
    """End a grant, after a look at it."""
    grant = grant_in(member, grant_id)
    try:
        if request.method != "POST":
            refuse_unless_open(grant)
            return show(request, member, "grant_revoke.html", {"grant": grant}, room=ROOM)
        rules.revoke_on_behalf_of_grantor(grant=grant, by=person_of(request))
    except Refusal as refusal:
        return _show(request, member, grant_in(member, grant_id), refusal)
    flash.success(request, f"{grant.requester} may not use {grant} of {grant.grantor} any more.")
    return redirect("realm-grant", member.realm.pk, grant.pk)


def _decide(
    request: HttpRequest, member: Member, grant_id: str, rule: Callable[..., Grant], outcome: str
) -> HttpResponse:
    grant = grant_in(member, grant_id)
    try:
        rule(realm_id=member.realm.pk, grant_id=grant.pk, by=person_of(request))
    except Refusal as refusal:
        return _show(request, member, grant_in(member, grant_id), refusal)
    flash.success(request, f"{grant.requester} {outcome} {grant} of {grant.grantor}.")
    return redirect(ROOM, member.realm.pk)


def _show(request: HttpRequest, member: Member, grant: Grant, refusal: Refusal | None = None) -> HttpResponse:
    """Show a grant, as the answer to what was refused if there is something."""
    context = {"grant": grant, "status": status_now(grant), "refusal": refusal}
    return show(request, member, "grant.html", context, room=ROOM, status=refusal.status if refusal else 200)


def _session_asked_for(request: HttpRequest, member: Member) -> Session | None:
    """Return the session that the list is about, be it deregistered or not; None for all."""
    asked = request.GET.get("session")
    if asked is None:
        return None
    canonical = parse_id(SESSION, asked)
    session = Session.objects.filter(realm=member.realm, pk=canonical).first() if canonical else None
    if session is None:
        raise Refusal("not_found", "The realm has no such session.")
    return session
