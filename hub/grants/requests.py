"""Asking for a grant."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from hub.grants.models import Grant
from hub.grants.patterns import MEMORY_CAPABILITIES, first_segment
from hub.grants.transitions import Status, expire, notice, record
from hub.memory.models import MemoryNamespace
from hub.messages.inbox import inbox_full, lock_inboxes, post
from hub.sessions.models import Session
from realms.audit.actor import Actor
from realms.models import Realm
from realms.refusal import Refusal, refusal_at

DEFAULT_DURATION = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a session asks of another: `namespace` is "" where the capability takes none."""

    target_id: str
    capability: str
    namespace: str | None
    expires_at: datetime | None
    reason: str


def request_grant(*, requester: Session, wish: Wish, by: Actor) -> Grant:
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
            raise inbox_full()
        post(notice(grant, "requested", by=requester, to=[grantor.pk]), inboxes)
        record(grant, "requested", by=by)
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
        expire(grant)
