"""A ping from the console: the page asks every half second until the pong is there; nothing waits for it."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from hub.console.session_forms import session_in
from hub.messages import pings
from hub.messages.models import Ping
from hub.sessions.bodies import pong_answer
from hub.sessions.models import Session
from realms.ids import MESSAGE, parse_id
from realms.members.rules import Member
from realms.refusal import Refusal


@dataclass(frozen=True, slots=True)
class PingShown:
    """How a ping goes.

    Attributes:
        latency_ms: from sending to the pong; None if there is none.
        is_waiting: whether the pong can still come.
    """

    ping: Ping
    latency_ms: int | None
    is_waiting: bool


def ping(request: HttpRequest, member: Member, session_id: str) -> HttpResponse:
    """Ping a session, and lead to its page, which watches for the pong."""
    session = session_in(member, session_id)
    started = pings.ping_from_hub(realm_id=member.realm.pk, target_id=session.pk)
    where = reverse("realm-session", args=[member.realm.pk, session.pk], query={"ping": started.pk})
    return redirect(where)


def ping_asked_for(request: HttpRequest, member: Member, session: Session) -> PingShown | None:
    """Return how the ping goes that the query names; an overdue one is given up. None if it names none.

    Raises:
        Refusal: `not_found`.
    """
    named = request.GET.get("ping")
    if named is None:
        return None
    ping_id = parse_id(MESSAGE, named)
    found = (
        pings.hubs_ping(realm_id=member.realm.pk, target_id=session.pk, ping_id=ping_id) if ping_id else None
    )
    if found is None:
        raise Refusal("not_found", "The hub sent the session no such ping.")
    if found.answered_at is not None:
        return PingShown(found, pong_answer(found).latency_ms, is_waiting=False)
    is_waiting = found.expires_at > timezone.now()
    if not is_waiting:
        pings.give_up(found, member.realm.pk)
    return PingShown(found, None, is_waiting)
