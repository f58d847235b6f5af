"""Grants: approve, deny, revoke, expire."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from hub.grants.models import Grant
from hub.grants.patterns import is_within
from hub.grants.transitions import (
    Status,
    end,
    expire,
    notice,
    record,
    refuse_unless_open,
    refuse_unless_pending,
)
from hub.messages.inbox import lock_inboxes, post_notice
from hub.sessions.models import Session
from hub.wire import rfc3339
from realms.audit.actor import Actor
from realms.refusal import Refusal, refusal_at


def approve_grant(
    *,
    grantor: Session,
    grant_id: str,
    by: Actor,
    namespace: str | None = None,
    expires_at: datetime | None = None,
) -> Grant:
    """Let a pending grant begin, as asked or narrower.

    Raises:
        Refusal: `grant_not_found`, `grant_not_yours`, `grant_not_pending`, `invalid_namespace`,
            `invalid_request` (an expiry that is past or later than asked).
    """
    with transaction.atomic():
        grant = _locked_pending(grantor.realm_id, grant_id, grantor=grantor)
        _begin(grant, namespace, expires_at)
        post_notice(notice(grant, "approved", by=grantor, to=[grant.requester_id]))
        record(grant, "approved", by=by)
    return grant


def deny_grant(*, grantor: Session, grant_id: str, by: Actor) -> Grant:
    """Turn a pending grant down.

    Raises:
        Refusal: `grant_not_found`, `grant_not_yours`, `grant_not_pending`.
    """
    with transaction.atomic():
        grant = _locked_pending(grantor.realm_id, grant_id, grantor=grantor)
        _turn_down(grant)
        post_notice(notice(grant, "denied", by=grantor, to=[grant.requester_id]))
        record(grant, "denied", by=by)
    return grant


def revoke_grant(*, party: Session, grant_id: str, by: Actor) -> Grant:
    """End a grant, or withdraw the request for one; the other side is told.

    Raises:
        Refusal: `grant_not_found`, `grant_not_yours`, `grant_already_ended`.
    """
    with transaction.atomic():
        grant = _locked(party.realm_id, grant_id)
        if party.pk not in (grant.requester_id, grant.grantor_id):
            raise Refusal("grant_not_yours")
        refuse_unless_open(grant)
        end(grant, Status.REVOKED)
        other = grant.grantor_id if party.pk == grant.requester_id else grant.requester_id
        post_notice(notice(grant, "revoked", by=party, to=[other]))
        record(grant, "revoked", by=by)
    return grant


def approve_on_behalf_of_grantor(
    *,
    realm_id: str,
    grant_id: str,
    by: Actor,
    namespace: str | None = None,
    expires_at: datetime | None = None,
) -> Grant:
    """Let a pending grant begin as a person says in the grantor's place: both sides are told, by the hub.

    Raises:
        Refusal: `grant_not_found`, `grant_not_pending`, `invalid_namespace`, `invalid_request` (an expiry
            that is past or later than asked).
    """
    with transaction.atomic():
        grant = _locked_pending(realm_id, grant_id, grantor=None)
        _begin(grant, namespace, expires_at)
        _tell_both(grant, "approved", by=by)
    return grant


def deny_on_behalf_of_grantor(*, realm_id: str, grant_id: str, by: Actor) -> Grant:
    """Turn a pending grant down as a person says in the grantor's place: both sides are told, by the hub.

    Raises:
        Refusal: `grant_not_found`, `grant_not_pending`.
    """
    with transaction.atomic():
        grant = _locked_pending(realm_id, grant_id, grantor=None)
        _turn_down(grant)
        _tell_both(grant, "denied", by=by)
    return grant


def revoke_on_behalf_of_grantor(*, grant: Grant, by: Actor) -> None:
    """End a grant from the console or the admin: both sides are told, by the hub.

    Raises:
        Refusal: `grant_already_ended`.
    """
    with transaction.atomic():
        grant = _locked(grant.realm_id, grant.pk)
        refuse_unless_open(grant)
        end(grant, Status.REVOKED)
        _tell_both(grant, "revoked", by=by)


def revoke_grants_of(session: Session, *, by: Actor) -> None:
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
        end(grant, Status.REVOKED)
        other = grant.grantor_id if grant.requester_id == session.pk else grant.requester_id
        post_notice(notice(grant, "revoked", by=session, to=[other]))
        record(grant, "revoked", by=by)


def expire_grants(*, limit: int = 1000) -> int:
    """Mark at most `limit` overdue grants as expired and tell both sides; return how many it were.

    Each grant is a transaction of its own, and one that another worker has in hand is passed over.
    """
    overdue = Grant.objects.filter(status__in=Grant.OPEN, expires_at__lte=Now())
    expired = 0
    for grant_id in overdue.order_by("expires_at").values_list("pk", flat=True)[:limit]:
        with transaction.atomic():
            grant = overdue.filter(pk=grant_id).select_for_update(skip_locked=True).first()
            if grant is not None:
                expire(grant)
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


def _locked(realm_id: str, grant_id: str) -> Grant:
    grant = Grant.objects.in_realm(realm_id).select_for_update().filter(pk=grant_id).first()
    if grant is None:
        raise Refusal("grant_not_found")
    return grant


def _locked_pending(realm_id: str, grant_id: str, *, grantor: Session | None) -> Grant:
    """Return a pending grant of the realm, of `grantor` unless a person decides in its place."""
    grant = _locked(realm_id, grant_id)
    if grantor is not None and grant.grantor_id != grantor.pk:
        raise Refusal("grant_not_yours")
    refuse_unless_pending(grant)
    return grant


def _begin(grant: Grant, namespace: str | None, expires_at: datetime | None) -> None:
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


def _turn_down(grant: Grant) -> None:
    grant.decided_at = timezone.now()
    end(grant, Status.DENIED)


def _tell_both(grant: Grant, event: str, *, by: Actor) -> None:
    """Tell of what a person did in the grantor's place, which the grantor does not know either."""
    post_notice(notice(grant, event, by=None, to=[grant.requester_id, grant.grantor_id]))
    record(grant, event, by=by, on_behalf_of=grant.grantor_id)
