"""Sessions: who is there, and what one of them is, has and did."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from hub.console.json_html import json_html
from hub.console.listing import Listing, listing
from hub.console.pages import show
from hub.console.session_forms import SearchForm, session_in
from hub.console.session_ping import ping_asked_for
from hub.grants.models import Grant
from hub.memory.models import MemoryNamespace
from hub.sessions.bodies import WELL_KNOWN_KINDS
from hub.sessions.models import Session
from hub.sessions.presence import OpenStream, connected
from hub.sessions.public_key import fingerprint
from realms.audit.actor import Kind
from realms.audit.models import AuditEvent
from realms.ids import SESSION
from realms.members.rules import Member

ROOM = "realm-sessions"
GRANTS_SHOWN = 20
NAMESPACES_SHOWN = 50
EVENTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session in the list.

    Attributes:
        is_connected: whether it has a stream open now.
    """

    session: Session
    is_connected: bool


def list_sessions(request: HttpRequest, member: Member) -> HttpResponse:
    """Show the sessions that match, the newest first."""
    form = SearchForm(request.GET)
    page: Listing[Session] = Listing([], None, True)
    if form.is_valid():
        sessions = Session.objects.ever_in_realm(member.realm.pk).select_related("key", "inbox")
        page = listing(request, form.matching(sessions.defer("manifest", "public_key")), prefix=SESSION)
    here = connected(member.realm.pk, [session.pk for session in page.rows])
    context = {
        "form": form,
        "page": page,
        "rows": [SessionRow(session, session.pk in here) for session in page.rows],
        "is_filtered": any(form.data.get(name) for name in form.fields),
        "kinds": WELL_KNOWN_KINDS,
    }
    return show(request, member, "sessions.html", context, room=ROOM, status=400 if form.errors else 200)


def show_session(request: HttpRequest, member: Member, session_id: str) -> HttpResponse:
    """Show one session; with `ping` in the query, how that ping goes."""
    session = session_in(member, session_id)
    namespaces = namespaces_of(session)
    context = {
        "session": session,
        "is_live": session.status != Session.Status.DEREGISTERED,
        "ping": ping_asked_for(request, member, session),
        "manifest": json_html(session.manifest),
        "fingerprint": fingerprint(session.public_key) if session.public_key else None,
        "streams": streams_of(session).order_by("opened_at"),
        "grants": grants_of(session).select_related("requester", "grantor").order_by("-pk")[:GRANTS_SHOWN],
        "namespaces": namespaces.order_by("name")[:NAMESPACES_SHOWN],
        "namespaces_owned": namespaces.count(),
        "events": events_of(session),
    }
    return show(request, member, "session.html", context, room=ROOM)


def streams_of(session: Session) -> QuerySet[OpenStream]:
    """Return the streams that a session has open now."""
    return OpenStream.objects.in_realm(session.realm_id).alive().filter(session=session)


def grants_of(session: Session) -> QuerySet[Grant]:
    """Return the pending and active grants that a session asked for or is asked for."""
    grants = Grant.objects.in_realm(session.realm_id).open().filter(Q(requester=session) | Q(grantor=session))
    return grants.defer("reason", "requester__manifest", "grantor__manifest")


def namespaces_of(session: Session) -> QuerySet[MemoryNamespace]:
    """Return the memory namespaces that a session owns."""
    return MemoryNamespace.objects.filter(realm=session.realm_id, owner=session)


def events_of(session: Session) -> list[AuditEvent]:
    """Return the last events of the audit log that a session was the target or the actor of."""
    events = AuditEvent.objects.in_realm(session.realm_id).order_by("-number")
    # Two queries, each of which has an index, where one with OR would have none.
    to_it = events.filter(target=session.pk)[:EVENTS_SHOWN]
    by_it = events.filter(actor=session.pk, actor_kind=Kind.SESSION)[:EVENTS_SHOWN]
    either = {event.number: event for event in (*to_it, *by_it)}
    return [either[number] for number in sorted(either, reverse=True)[:EVENTS_SHOWN]]
