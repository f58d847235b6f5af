"""Grants: ask, approve, deny, revoke, expire."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from hub.grants.models import Grant
from hub.grants.patterns import first_segment, is_within
from hub.memory.models import MemoryNamespace
from hub.messages.inbox import Outgoing, lock_inboxes, post, post_notice
from hub.sessions.models import Session
from hub.wire import rfc3339
from realms.models import Realm
from realms.refusal import Refusal, refusal_at

MEMORY_CAPABILITIES = ("memory.read", "memory.write", "memory.delete")
DEFAULT_DURATION = timedelta(hours=24)
INBOX_RETRY_SECONDS = 30

Status = Grant.Status


@dataclass(frozen=True, slots=True)
class Wish:
    """What a session asks of another: `namespace` is "" where the capability takes none."""

    target_id: str
    capability: str
    namespace: str | None
    expires_at: datetime | None
    reason: str


def request_grant(*, requester: Session, wish: Wish) -> Grant:
    """Ask another session for a grant; it gets a message in its inbox.

    Raises:
        Refusal: `session_not_found`, `invalid_capability`, `invalid_namespace`, `invalid_request`,
            `grant_already_pending`, `inbox_full`.
    """
    if wish.target_id == requester.pk:
        raise refusal_at("/to", "A session needs no grant from itself; name another session.")
    grantor = Session.objects.in_realm(requester.realm_id).filter(pk=wish.target_id).first()
    if grantor is None:
        raise refusal_at("/to", f"There is no session {wish.target_id} in this realm.", "session_not_found")
    _check_capability(grantor, wish.capability)
    namespace = _checked_namespace(requester, grantor, wish)
    realm = Realm.objects.get(pk=requester.realm_id)
    with transaction.atomic():
        _lock_parties(requester, grantor)
        _expire_same_request(requester, grantor, wish.capability, namespace)
        try:
            with transaction.atomic():
                grant = Grant.objects.create(
                    realm_id=requester.realm_id,
                    requester=requester,
                    grantor=grantor,
                    capability=wish.capability,
                    namespace=namespace,
                    reason=wish.reason,
                    expires_at=_checked_expiry(realm, wish.expires_at),
                )
        except IntegrityError:
            raise Refusal("grant_already_pending") from None
        inboxes = lock_inboxes(realm.pk, [grantor.pk])
        if inboxes[0].unread >= realm.inbox_limit:
            raise Refusal("inbox_full", headers={"Retry-After": str(INBOX_RETRY_SECONDS)})
        post(_notice(grant, "requested", by=requester, to=[grantor.pk]), inboxes)
    return grant


def _lock_parties(requester: Session, grantor: Session) -> None:
    """Keep both sessions from being deregistered before the request commits.

    Who deregisters one holds its row and ends its open grants, but cannot see one that is not committed.
    """
    parties = Session.objects.in_realm(requester.realm_id).filter(pk__in=[requester.pk, grantor.pk])
    there = {session.pk for session in parties.order_by("pk").select_for_update(no_key=True)}
    if requester.pk not in there:
        raise Refusal("session_not_owned")
    if grantor.pk not in there:
        raise refusal_at("/to", "The session was deregistered just now.", "session_not_found")


def _check_capability(grantor: Session, capability: str) -> None:
    if capability in MEMORY_CAPABILITIES or capability in grantor.capabilities:
        return
    declared = ", ".join(grantor.capabilities) or "none"
    raise refusal_at(
        "/capability",
        f"{grantor.pk} did not declare {capability} (it declared {declared}); "
        f"besides those, {', '.join(MEMORY_CAPABILITIES)} can be granted.",
        "invalid_capability",
    )


def _checked_namespace(requester: Session, grantor: Session, wish: Wish) -> str:
    if wish.capability not in MEMORY_CAPABILITIES:
        if wish.namespace is not None:
            detail = f"{wish.capability} takes no namespace; leave it out."
            raise refusal_at("/namespace", detail, "invalid_namespace")
        return ""
    if wish.namespace is None:
        detail = f"{wish.capability} needs a namespace: `*`, a key such as `a.b`, or a subtree such as `a.*`."
        raise refusal_at("/namespace", detail, "invalid_namespace")
    parties = (requester.pk, grantor.pk)
    others = MemoryNamespace.objects.filter(realm_id=requester.realm_id).exclude(owner_id__in=parties)
    if others.filter(name=first_segment(wish.namespace)).exists():
        detail = f"{grantor.pk} does not own this namespace and cannot give access to it."
        raise refusal_at("/namespace", detail, "invalid_namespace")
    return wish.namespace


def _checked_expiry(realm: Realm, wished: datetime | None) -> datetime:
    now = timezone.now()
    if wished is None:
        return now + min(DEFAULT_DURATION, timedelta(days=realm.grant_max_days))
    if wished <= now:
        raise refusal_at("/expires_at", "The expiry has to be in the future.")
    if wished > now + timedelta(days=realm.grant_max_days):
        detail = f"The expiry may be at most {realm.grant_max_days} days ahead in this realm."
        raise refusal_at("/expires_at", detail)
    return wished


def _expire_same_request(requester: Session, grantor: Session, capability: str, namespace: str) -> None:
    """End an overdue request that no worker has ended yet, so that it does not stand in the way."""
    overdue = Grant.objects.in_realm(requester.realm_id).filter(
        requester=requester,
        grantor=grantor,
        capability=capability,
        namespace=namespace,
        status=Status.PENDING,
        expires_at__lte=Now(),
    )
    for grant in overdue.select_for_update():
        _end(grant, Status.EXPIRED)
        post_notice(_notice(grant, "expired", by=None, to=[grant.requester_id, grant.grantor_id]))


def approve_grant(
    *, grantor: Session, grant_id: str, namespace: str | None = None, expires_at: datetime | None = None
) -> Grant:
    """Let a pending grant begin, as asked or narrower.

    Raises:
        Refusal: `grant_not_found`, `grant_not_yours`, `grant_not_pending`, `invalid_namespace`,
            `invalid_request` (an expiry that is past or later than asked).
    """
    with transaction.atomic():
        grant = _locked_pending(grantor, grant_id)
        if namespace is not None:
            if not grant.namespace or not is_within(namespace, grant.namespace):
                detail = f"An approval can only narrow what was asked: {grant.namespace or 'no namespace'}."
                raise refusal_at("/namespace", detail, "invalid_namespace")
            grant.namespace = namespace
        if expires_at is not None:
            if not timezone.now() < expires_at <= grant.expires_at:
                asked = rfc3339(grant.expires_at)
                raise refusal_at("/expires_at", f"The expiry has to be in the future and at most {asked}.")
            grant.expires_at = expires_at
        grant.status = Status.ACTIVE
        grant.decided_at = timezone.now()
        grant.save(update_fields=["status", "namespace", "expires_at", "decided_at"])
        post_notice(_notice(grant, "approved", by=grantor, to=[grant.requester_id]))
    return grant


def deny_grant(*, grantor: Session, grant_id: str) -> Grant:
    """Turn a pending grant down.

    Raises:
        Refusal: `grant_not_found`, `grant_not_yours`, `grant_not_pending`.
    """
    with transaction.atomic():
        grant = _locked_pending(grantor, grant_id)
        grant.decided_at = timezone.now()
        _end(grant, Status.DENIED)
        post_notice(_notice(grant, "denied", by=grantor, to=[grant.requester_id]))
    return grant


def revoke_grant(*, by: Session, grant_id: str) -> Grant:
    """End a grant, or withdraw the request for one; the other side is told.

    Raises:
        Refusal: `grant_not_found`, `grant_not_yours`, `grant_already_ended`.
    """
    with transaction.atomic():
        grant = _locked(by, grant_id)
        if by.pk not in (grant.requester_id, grant.grantor_id):
            raise Refusal("grant_not_yours")
        _refuse_unless_open(grant)
        _end(grant, Status.REVOKED)
        other = grant.grantor_id if by.pk == grant.requester_id else grant.requester_id
        post_notice(_notice(grant, "revoked", by=by, to=[other]))
    return grant


def revoke_on_behalf_of_grantor(*, grant: Grant) -> None:
    """End a grant from the console or the admin: both sides are told, by the hub.

    Raises:
        Refusal: `grant_already_ended`.
    """
    with transaction.atomic():
        grant = Grant.objects.in_realm(grant.realm_id).select_for_update().get(pk=grant.pk)
        _refuse_unless_open(grant)
        _end(grant, Status.REVOKED)
        post_notice(_notice(grant, "revoked", by=None, to=[grant.requester_id, grant.grantor_id]))


def revoke_grants_of(session: Session) -> None:
    """End all grants from and to a session that leaves; the other sides are told.

    What is overdue has expired already, and stays for the worker to say so.

    Call it in the transaction that deregisters the session, whose own row is locked.
    """
    involved = Grant.objects.in_realm(session.realm_id).filter(Q(requester=session) | Q(grantor=session))
    grants = list(involved.open().order_by("pk").select_for_update())
    others = {
        grant.grantor_id if grant.requester_id == session.pk else grant.requester_id for grant in grants
    }
    lock_inboxes(session.realm_id, {*others, session.pk})
    for grant in grants:
        _end(grant, Status.REVOKED)
        other = grant.grantor_id if grant.requester_id == session.pk else grant.requester_id
        post_notice(_notice(grant, "revoked", by=session, to=[other]))


def expire_grants(*, limit: int = 1000) -> int:
    """Mark overdue grants as expired and tell both sides; return how many there were.

    Each grant is a transaction of its own, and one that another worker has in hand is passed over.
    """
    overdue = Grant.objects.filter(status__in=Grant.OPEN, expires_at__lte=Now())
    expired = 0
    for grant_id in overdue.order_by("expires_at").values_list("pk", flat=True)[:limit]:
        with transaction.atomic():
            grant = overdue.filter(pk=grant_id).select_for_update(skip_locked=True).first()
            if grant is not None:
                _end(grant, Status.EXPIRED)
                post_notice(_notice(grant, "expired", by=None, to=[grant.requester_id, grant.grantor_id]))
                expired += 1
    return expired


def grant_of(*, session: Session, grant_id: str) -> Grant:
    """Return a grant that `session` asked for or gives.

    Raises:
        Refusal: `grant_not_found`, `grant_not_yours`.
    """
    grant = Grant.objects.in_realm(session.realm_id).filter(pk=grant_id).first()
    if grant is None:
        raise Refusal("grant_not_found")
    if session.pk not in (grant.requester_id, grant.grantor_id):
        raise Refusal("grant_not_yours")
    return grant


def status_now(grant: Grant) -> str:
    """Return the status, which an overdue grant changes by itself."""
    if grant.status in Grant.OPEN and grant.expires_at <= timezone.now():
        return Status.EXPIRED
    return grant.status


def _locked(session: Session, grant_id: str) -> Grant:
    grant = Grant.objects.in_realm(session.realm_id).select_for_update().filter(pk=grant_id).first()
    if grant is None:
        raise Refusal("grant_not_found")
    return grant


def _locked_pending(grantor: Session, grant_id: str) -> Grant:
    grant = _locked(grantor, grant_id)
    if grant.grantor_id != grantor.pk:
        raise Refusal("grant_not_yours")
    if (status := status_now(grant)) != Status.PENDING:
        raise Refusal("grant_not_pending", f"The grant is {status}; only a pending one can be decided.")
    return grant


def _refuse_unless_open(grant: Grant) -> None:
    if (status := status_now(grant)) not in Grant.OPEN:
        raise Refusal("grant_already_ended", f"The grant is {status} already and stays so.")


def _end(grant: Grant, status: Status) -> None:
    grant.status = status
    grant.ended_at = timezone.now()
    grant.save(update_fields=["status", "ended_at", "decided_at"])


def _notice(grant: Grant, event: str, *, by: Session | None, to: list[str]) -> Outgoing:
    payload: dict[str, Any] = {
        "event": event,
        "grant_id": grant.pk,
        "from": grant.requester_id,
        "capability": grant.capability,
        "namespace": grant.namespace or None,
        "expires_at": rfc3339(grant.expires_at),
        "reason": grant.reason or None,
    }
    if event == "requested":
        path = f"/api/v1/grants/{grant.pk}"
        payload |= {"approve": f"{path}/approve", "deny": f"{path}/deny"}
    return Outgoing(
        realm_id=grant.realm_id,
        sender_id=by.pk if by else None,
        recipients=to,
        category="grant",
        payload=msgspec.json.encode(payload).decode(),
    )
