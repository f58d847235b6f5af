"""The end of a session, for whoever may end any session of the realm."""

from dataclasses import dataclass

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from hub.console.forms import ConfirmForm
from hub.console.pages import show
from hub.console.session_forms import session_in
from hub.console.sessions import ROOM, grants_of, namespaces_of, streams_of
from hub.sessions.models import Session
from hub.sessions.rules import end_session
from realms.members.rules import Member
from realms.person import person_of
from realms.refusal import Refusal

GONE = "The session is deregistered already."


@dataclass(frozen=True, slots=True)
class Ends:
    """What ends with a session, and the namespaces that stay."""

    unread: int
    grants: int
    streams: int
    namespaces: int


def what_ends(session: Session) -> Ends:
    """Count what ends if a session is deregistered now."""
    return Ends(
        unread=session.inbox.unread,
        grants=grants_of(session).count(),
        streams=streams_of(session).count(),
        namespaces=namespaces_of(session).count(),
    )


def deregister(request: HttpRequest, member: Member, session_id: str) -> HttpResponse:
    """Deregister a session, after a look at what ends with it and its name typed."""
    session = session_in(member, session_id)
    if session.status == Session.Status.DEREGISTERED:
        raise Refusal("session_not_found", GONE)
    form = ConfirmForm(request.POST or None, expected=session.name)
    if form.is_valid():
        if not end_session(session, by=person_of(request)):
            raise Refusal("session_not_found", GONE)
        flash.success(request, f"“{session.name}” is deregistered.")
        return redirect("realm-session", member.realm.pk, session.pk)
    context = {"session": session, "form": form, "ends": what_ends(session)}
    status = 400 if form.errors else 200
    return show(request, member, "session_deregister.html", context, room=ROOM, status=status)
