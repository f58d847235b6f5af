"""Members: who is one, and how people join, change roles, leave and hand a realm over."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.members.models import GIVEN, Invitation, Membership, Role
from realms.models import Realm
from realms.refusal import Refusal, refusal_at

INVITATION_DAYS = 7
MEMBERS_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a realm."""

    realm: Realm
    user: User
    role: Role
    since: datetime

    def may(self, role: Role) -> bool:
        """Tell whether they may do what needs `role`."""
        return self.role.covers(role)


def realms_of(user: User) -> QuerySet[Realm]:
    """Return the realms that a person owns or belongs to, by name."""
    belongs = Membership.objects.filter(user=user).values("realm")
    return Realm.objects.present().filter(Q(owner=user) | Q(pk__in=belongs)).order_by("slug", "pk")


def member_of(*, user: User, realm_id: str) -> Member:
    """Return who a person is in a realm.

    Raises:
        Refusal: `not_found`; a realm that they do not belong to is as one that does not exist.
    """
    realm = Realm.objects.present().select_related("owner").filter(pk=realm_id).first()
    if realm is None:
        raise Refusal("not_found")
    if realm.owner_id == user.pk:
        return Member(realm, user, Role.OWNER, realm.created_at)
    membership = Membership.objects.filter(realm=realm, user=user).first()
    if membership is None:
        raise Refusal("not_found")
    return Member(realm, user, Role(membership.role), membership.joined_at)


def members_of(realm: Realm) -> list[Member]:
    """Return everybody in a realm, its owner first."""
    owner = Member(realm, realm.owner, Role.OWNER, realm.created_at)
    others = Membership.objects.filter(realm=realm).select_related("user").order_by("role", "user__email")
    return [owner, *(Member(realm, each.user, Role(each.role), each.joined_at) for each in others)]


def invite(*, realm: Realm, email: str, role: Role, by: Actor) -> tuple[Invitation, str]:
    """Offer a role to whoever has an address; return the invitation and the token of its link.

    Who was invited before gets a new link, and the old one ends.

    Raises:
        Refusal: `invalid_request` (no address, no role to give, a member already), `quota_exceeded`.
    """
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise refusal_at("/email", f"{email!r} is not an e-mail address.") from None
    _refuse_unless_given(role)
    assert by.user is not None, "a person invites"
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        _locked(realm)
        members = Membership.objects.filter(realm=realm)
        if realm.owner.email == address or members.filter(user__email=address).exists():
            raise refusal_at("/email", f"{address} is a member already.")
        invited = Invitation.objects.in_realm(realm.pk)
        invited.filter(email=address).delete()
        if members.count() + invited.open().count() >= MEMBERS_AT_MOST:
            raise Refusal("quota_exceeded", f"A realm has at most {MEMBERS_AT_MOST} members and invitations.")
        invitation = Invitation.objects.create(
            realm=realm,
            email=address,
            role=role,
            digest=_digest(token),
            invited_by=by.user,
            expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
        )
        audit.append("member.invited", realm_id=realm.pk, by=by, target=address, details={"role": role.value})
    return invitation, token


def withdraw_invitation(*, realm: Realm, invitation_id: str, by: Actor) -> None:
    """Take an invitation back; its link ends.

    Raises:
        Refusal: `not_found`.
    """
    with transaction.atomic():
        invitation = Invitation.objects.in_realm(realm.pk).filter(pk=invitation_id).first()
        if invitation is None:
            raise Refusal("not_found", "There is no such invitation; it was accepted or withdrawn.")
        invitation.delete()
        audit.append("member.invitation_withdrawn", realm_id=realm.pk, by=by, target=invitation.email)


def invitation_for(token: str) -> Invitation:
    """Return the invitation that a link stands for.

    Raises:
        Refusal: `not_found`, for one that ended too.
    """
    invitations = Invitation.objects.open().select_related("realm__owner", "invited_by")
    invitation = invitations.filter(digest=_digest(token), realm__in=Realm.objects.present()).first()
    if invitation is None:
        raise Refusal("not_found", "This invitation has ended. Ask whoever invited you for a new one.")
    return invitation


def accept_invitation(*, token: str, user: User, by: Actor) -> Realm:
    """Join a realm, as the person who has the address that was invited.

    The caller has made sure that the address of `user` is verified.

    Raises:
        Refusal: `not_found`, `invitation_not_yours`.
    """
    with transaction.atomic():
        invitation = invitation_for(token)
        realm = _locked(invitation.realm)
        # Withdrawn while the lock was waited for: then it does not count any more.
        if not Invitation.objects.in_realm(realm.pk).filter(pk=invitation.pk).delete()[0]:
            raise Refusal("not_found", "This invitation has ended. Ask whoever invited you for a new one.")
        if invitation.email != user.email:
            raise Refusal("invitation_not_yours", f"This invitation is for {invitation.email}.")
        if realm.owner_id != user.pk:
            Membership.objects.get_or_create(realm=realm, user=user, defaults={"role": invitation.role})
            audit.append(
                "member.joined",
                realm_id=realm.pk,
                by=by,
                target=user.email,
                details={"role": invitation.role},
            )
    return realm


def change_role(*, realm: Realm, user_id: int, role: Role, by: Actor) -> None:
    """Give a member another role.

    Raises:
        Refusal: `invalid_request`, `not_found`.
    """
    _refuse_unless_given(role)
    with transaction.atomic():
        _locked(realm)
        membership = _membership(realm, user_id)
        if membership.role == role:
            return
        details = {"role": [membership.role, role.value]}
        membership.role = role
        membership.save(update_fields=["role"])
        audit.append(
            "member.role_changed", realm_id=realm.pk, by=by, target=membership.user.email, details=details
        )


def remove_member(*, realm: Realm, user_id: int, by: Actor) -> None:
    """End a membership; whoever leaves removes themselves.

    Raises:
        Refusal: `not_found`, for the owner too, who hands the realm over first.
    """
    with transaction.atomic():
        _locked(realm)
        membership = _membership(realm, user_id)
        email = membership.user.email
        membership.delete()
        action = "member.left" if by.user is not None and by.user.pk == user_id else "member.removed"
        audit.append(action, realm_id=realm.pk, by=by, target=email)


def hand_over(*, realm: Realm, user_id: int, by: Actor) -> None:
    """Make a member the owner; who owned the realm stays as an admin.

    Raises:
        Refusal: `not_found`, `realm_slug_taken` (the new owner has a realm of this name).
    """
    try:
        with transaction.atomic():
            locked = _locked(realm)
            membership = _membership(realm, user_id)
            heir, former = membership.user, locked.owner
            membership.delete()
            locked.owner = heir
            locked.save(update_fields=["owner"])
            Membership.objects.create(realm=locked, user=former, role=Role.ADMIN)
            audit.append(
                "realm.handed_over",
                realm_id=realm.pk,
                by=by,
                target=realm.pk,
                details={"from": former.email, "to": heir.email},
            )
    except IntegrityError:
        detail = f"{heir.email} owns a realm {realm.slug} already, and may have one of this name only."
        raise Refusal("realm_slug_taken", detail) from None
    realm.owner = heir


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _locked(realm: Realm) -> Realm:
    """Return a realm as it is now, and keep other changes of its members out until the commit."""
    return Realm.objects.select_for_update(no_key=True, of=("self",)).select_related("owner").get(pk=realm.pk)


def _membership(realm: Realm, user_id: int) -> Membership:
    membership = Membership.objects.filter(realm=realm, user_id=user_id).select_related("user").first()
    if membership is None:
        raise Refusal("not_found", "There is no such member; they left, or were removed.")
    return membership


def _refuse_unless_given(role: Role) -> None:
    if role not in GIVEN:
        raise refusal_at("/role", f"A role to give is {' or '.join(GIVEN)}; a realm has one owner.")
