"""Invitations: offered to an address, sent again, withdrawn, accepted."""

import hashlib
import secrets
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.addresses import canonical_address
from accounts.models import User
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.members.models import Invitation, Membership, Role
from realms.members.rules import lock_members, refuse_unless_given
from realms.models import Realm
from realms.refusal import Refusal, refusal_at

INVITATION_DAYS = 7
KEPT_DAYS = 30  # so long after its end it can be sent again
MEMBERS_AT_MOST = 200
AGAIN_SECONDS = 60  # between two mails to one address

ENDED = "This invitation has ended. Ask whoever invited you for a new one."


def invite(*, realm: Realm, email: str, role: Role, by: Actor) -> tuple[Invitation, str]:
    """Offer a role to whoever has an address; return the invitation and the token of its link.

    Who was invited before gets a new link, and the old one ends.

    Raises:
        Refusal: `invalid_request` (no address, no role to give, a member already), `quota_exceeded`,
            `rate_limited` (within `AGAIN_SECONDS` of the last), and what `lock_members` raises.
    """
    address = _canonical(email)
    refuse_unless_given(role)
    with transaction.atomic():
        return _offer(lock_members(realm, by=by), address, role, by)


def invite_again(*, realm: Realm, invitation_id: str, by: Actor) -> tuple[Invitation, str]:
    """Offer the same role to the same address anew, as `invite` does; the old link ends.

    Raises:
        Refusal: `not_found`, and what `invite` raises.
    """
    with transaction.atomic():
        locked = lock_members(realm, by=by)
        invitation = _invitation(locked, invitation_id)
        return _offer(locked, _canonical(invitation.email), Role(invitation.role), by)


def withdraw_invitation(*, realm: Realm, invitation_id: str, by: Actor) -> None:
    """Take an invitation back; its link ends.

    Raises:
        Refusal: `not_found`, and what `lock_members` raises.
    """
    with transaction.atomic():
        invitation = _invitation(lock_members(realm, by=by), invitation_id)
        invitation.delete()
        audit.append("member.invitation_withdrawn", realm_id=realm.pk, by=by, target=invitation.email)


def invitation_for(token: str) -> Invitation:
    """Return the invitation that a link stands for.

    Raises:
        Refusal: `not_found`, for one that ended too.
    """
    invitations = Invitation.objects.open().select_related("realm__owner", "invited_by")
    by_people = invitations.filter(realm__in=Realm.objects.present(), invited_by__is_active=True)
    invitation = by_people.filter(digest=_digest(token)).first()
    if invitation is None:
        raise Refusal("not_found", ENDED)
    return invitation


def is_for(invitation: Invitation, user: User) -> bool:
    """Tell whether a person has exactly the address that was invited, and has proven it."""
    proven = EmailAddress.objects.filter(user=user, verified=True)
    return bool(proven.filter(email=invitation.email).exists())


def accept_invitation(*, token: str, user: User, by: Actor) -> Realm:
    """Join a realm, as the person who has the address that was invited; a member's role stays as it is.

    Raises:
        Refusal: `not_found`, `invitation_not_yours`, `realm_suspended`.
    """
    with transaction.atomic():
        invitation = invitation_for(token)
        realm = lock_members(invitation.realm, by=None)
        # Withdrawn while the lock was waited for: then it does not count any more.
        if not Invitation.objects.filter(pk=invitation.pk).delete()[0]:
            raise Refusal("not_found", ENDED)
        if not is_for(invitation, user):
            raise Refusal("invitation_not_yours")
        if realm.owner_id != user.pk:
            role = {"role": invitation.role}
            _, joined = Membership.objects.get_or_create(realm=realm, user=user, defaults=role)
            if joined:
                audit.append("member.joined", realm_id=realm.pk, by=by, target=user.email, details=role)
    return realm


def sweep_invitations(*, limit: int = 1000) -> int:
    """Remove at most `limit` invitations that ended too long ago to be sent again; return how many."""
    ended = Invitation.objects.filter(expires_at__lt=timezone.now() - timedelta(days=KEPT_DAYS))
    chosen = list(ended.order_by("expires_at").values_list("pk", flat=True)[:limit])
    return Invitation.objects.filter(pk__in=chosen).delete()[0]


def _offer(realm: Realm, address: str, role: Role, by: Actor) -> tuple[Invitation, str]:
    """Make an invitation to a realm whose members are locked."""
    assert by.user is not None, "a person invites"
    now = timezone.now()
    members = Membership.objects.filter(realm=realm)
    if realm.owner.email == address or members.filter(user__email=address).exists():
        raise refusal_at("/email", f"{address} is a member already.")
    invited = Invitation.objects.in_realm(realm.pk)
    last = invited.filter(email=address).first()
    if last is not None and (wait := AGAIN_SECONDS - (now - last.created_at).total_seconds()) > 0:
        detail = f"{address} was sent an invitation just now. Wait a minute before you send another."
        raise Refusal("rate_limited", detail, headers={"Retry-After": str(int(wait) + 1)})
    invited.filter(email=address).delete()
    invited.filter(expires_at__lt=now - timedelta(days=KEPT_DAYS)).delete()
    if members.count() + invited.open().count() >= MEMBERS_AT_MOST:
        raise Refusal("quota_exceeded", f"A realm has at most {MEMBERS_AT_MOST} members and invitations.")
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        realm=realm,
        email=address,
        role=role,
        digest=_digest(token),
        invited_by=by.user,
        created_at=now,
        expires_at=now + timedelta(days=INVITATION_DAYS),
    )
    audit.append("member.invited", realm_id=realm.pk, by=by, target=address, details={"role": role.value})
    return invitation, token


def _canonical(email: str) -> str:
    try:
        return canonical_address(email)
    except ValidationError as error:
        raise refusal_at("/email", error.messages[0]) from None


def _invitation(realm: Realm, invitation_id: str) -> Invitation:
    invitation = Invitation.objects.in_realm(realm.pk).filter(pk=invitation_id).first()
    if invitation is None:
        raise Refusal("not_found", "There is no such invitation; it was accepted or withdrawn.")
    return invitation


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
