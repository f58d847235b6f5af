"""Sessions: register, find, deregister, go quiet."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from hub.grants.rules import revoke_grants_of
from hub.memory.namespaces import inherit_namespaces
from hub.messages.inbox import ring_after_commit
from hub.messages.models import Delivery, Inbox
from hub.sessions.acting import SEEN_GRAIN_SECONDS, Caller
from hub.sessions.models import Session, SessionQuerySet
from hub.sessions.presence import OpenStream
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.models import Realm
from realms.refusal import Refusal
from realms.spans import span

Status = Session.Status
SESSIONS_PER_SWEEP = 1000


@dataclass(frozen=True, slots=True)
class NewSession:
    """What an agent says of itself when it registers."""

    name: str
    kind: str
    capabilities: list[str] = field(default_factory=list)
    public_key: str | None = None
    manifest: str = "{}"


def register_session(*, caller: Caller, new: NewSession) -> Session:
    """Register a session, which its API key owns from now on.

    It inherits the memory namespaces of a deregistered session of the same name and key.

    Raises:
        Refusal: `api_key_required`, `quota_exceeded`, `session_name_taken`.
    """
    if caller.token is not None:
        raise Refusal("api_key_required")
    with transaction.atomic():
        _refuse_over_quota(caller.realm_id)
        try:
            with transaction.atomic():
                session = Session.objects.create(
                    realm_id=caller.realm_id,
                    key_id=caller.key.key_id,
                    name=new.name,
                    kind=new.kind,
                    capabilities=list(dict.fromkeys(new.capabilities)),
                    public_key=new.public_key,
                    manifest=new.manifest,
                )
        except IntegrityError:
            raise Refusal(
                "session_name_taken", f"A session of this realm is named {new.name}; choose another name."
            ) from None
        Inbox.objects.create(session=session, realm_id=caller.realm_id)
        inherited = inherit_namespaces(heir=session)
        audit.append(
            "session.registered",
            realm_id=session.realm_id,
            by=caller.actor,
            target=session.pk,
            details={"name": session.name, "kind": session.kind, "inherited": inherited},
        )
    return session


def _refuse_over_quota(realm_id: str) -> None:
    """Keep other registrations in the realm out until the commit, and refuse if there is no room."""
    realm = Realm.objects.select_for_update(no_key=True).get(pk=realm_id)
    if Session.objects.in_realm(realm_id).count() >= realm.max_sessions:
        detail = f"The realm may have {realm.max_sessions} sessions; deregister one that is not needed."
        raise Refusal("quota_exceeded", detail)


def sessions_of(
    caller: Caller, *, status: str, kind: str | None, capability: str | None, name: str | None
) -> SessionQuerySet:
    """Return the sessions of the caller's realm that match; `status` is a status or `all`."""
    sessions = Session.objects.in_realm(caller.realm_id)
    if status != "all":
        sessions = sessions.filter(status=status)
    if kind is not None:
        sessions = sessions.filter(kind=kind)
    if capability is not None:
        sessions = sessions.filter(capabilities__declares=capability)
    if name is not None:
        sessions = sessions.filter(name__iexact=name)
    return sessions


def session_in_realm(caller: Caller, session_id: str) -> Session:
    """Return any session of the caller's realm.

    Raises:
        Refusal: `session_not_found`.
    """
    session = Session.objects.in_realm(caller.realm_id).filter(pk=session_id).first()
    if session is None:
        raise Refusal("session_not_found")
    return session


def deregister_session(*, caller: Caller, session_id: str) -> None:
    """End a session of the caller's.

    Its unread messages are discarded, its grants revoked, its streams end, and its name is free. What it
    wrote into memory stays.

    Raises:
        Refusal: `session_not_found`, `session_not_owned`.
    """
    session = session_in_realm(caller, session_id)
    if not caller.owns(session):
        raise Refusal(
            "session_not_owned",
            "Only the session itself, or the API key that registered it, may deregister a session.",
        )
    if not end_session(session, by=caller.actor):
        raise Refusal("session_not_found")


def end_session(session: Session, *, by: Actor, still: Status | None = None) -> bool:
    """Deregister a session, whoever wants it.

    Args:
        by: for the audit log.
        still: only if its status is this one at that instant; None for any live one.

    Returns:
        Whether this call deregistered it.
    """
    live = Session.objects.in_realm(session.realm_id).filter(pk=session.pk)
    if still is not None:
        live = live.filter(status=still)
    with transaction.atomic():
        if not live.update(status=Status.DEREGISTERED, last_seen=Now()):
            return False
        revoke_grants_of(session, by=by)  # locks the inboxes, this one's too
        Delivery.objects.filter(recipient=session, read_at=None).delete()
        Inbox.objects.filter(realm_id=session.realm_id, session=session).delete()
        ring_after_commit([session.pk])
        action = "session.deregistered" if still is None else "session.expired"
        audit.append(
            action, realm_id=session.realm_id, by=by, target=session.pk, details={"name": session.name}
        )
    session.status = Status.DEREGISTERED
    return True


def sweep_sessions(*, limit: int = SESSIONS_PER_SWEEP) -> tuple[int, int]:
    """Turn at most `limit` quiet sessions inactive, and deregister at most as many that stayed so.

    A session with an open stream is not quiet.

    Returns:
        How many of each.
    """
    return turn_inactive(limit=limit), expire_sessions(limit=limit)


def turn_inactive(*, limit: int = SESSIONS_PER_SWEEP) -> int:
    """Turn at most `limit` sessions inactive that were not seen for the realm's timeout; return how many."""
    quiet = Session.objects.filter(status=Status.ACTIVE).exclude(pk__in=_streaming())
    overdue = quiet.filter(last_seen__lt=Now() - span("realm__session_timeout_seconds", timedelta(seconds=1)))
    chosen = list(overdue.order_by().values_list("pk", flat=True)[:limit])
    # A session that acts in between is not quiet. PostgreSQL looks again at the row itself, when it had to
    # wait for it, and not at what the row was chosen by.
    unseen = Session.objects.filter(last_seen__lt=Now() - timedelta(seconds=SEEN_GRAIN_SECONDS))
    return unseen.filter(pk__in=chosen, status=Status.ACTIVE).update(status=Status.INACTIVE)


def expire_sessions(*, limit: int = SESSIONS_PER_SWEEP) -> int:
    """Deregister at most `limit` sessions that have been inactive for the realm's expiry; return how many.

    Each is a transaction of its own.
    """
    gone = Session.objects.filter(
        status=Status.INACTIVE, last_seen__lt=Now() - span("realm__session_expiry_days", timedelta(days=1))
    ).exclude(pk__in=_streaming())
    by = Actor.worker("sweep_sessions")
    return sum(end_session(session, by=by, still=Status.INACTIVE) for session in gone[:limit])


def _streaming() -> QuerySet[OpenStream, str]:
    return OpenStream.objects.alive().values_list("session_id", flat=True)
