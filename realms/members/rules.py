"""Members: who is one, and how their roles change, they leave and a realm is handed over."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.ceilings import refuse_another_realm
from realms.members.models import GIVEN, Invitation, Membership, Role
from realms.models import Realm
from realms.refusal import Refusal, refusal_at


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


def change_role(*, realm: Realm, user_id: int, role: Role, by: Actor) -> None:
    """Give a member another role; whom a former admin invited is invited no more.

    Raises:
        Refusal: `invalid_request`, `not_found`, `role_missing`, `realm_suspended`.
    """
    refuse_unless_given(role)
    with transaction.atomic():
        locked = lock_members(realm, by=by, needs=Role.ADMIN)
        membership = _membership(locked, user_id)
        if membership.role == role:
            return
        details = {"role": [membership.role, role.value]}
        membership.role = role
        membership.save(update_fields=["role"])
        if not role.covers(Role.ADMIN):
            _end_invitations_of(membership)
        audit.append(
            "member.role_changed", realm_id=realm.pk, by=by, target=membership.user.email, details=details
        )


def remove_member(*, realm: Realm, user_id: int, by: Actor) -> None:
    """End a membership, and whom they invited is invited no more; whoever leaves removes themselves.

    Raises:
        Refusal: `not_found` (for the owner too, who hands the realm over first), `role_missing`,
            `realm_suspended`.
    """
    leaves = by.user is not None and by.user.pk == user_id
    with transaction.atomic():
        locked = lock_members(realm, by=by, needs=Role.VIEWER if leaves else Role.ADMIN)
        if locked.owner_id == user_id:
            raise Refusal("not_found", "The owner does not leave. Hand the realm over to a member first.")
        membership = _membership(locked, user_id)
        email = membership.user.email
        _end_invitations_of(membership)
        membership.delete()
        action = "member.left" if leaves else "member.removed"
        audit.append(action, realm_id=realm.pk, by=by, target=email)


def hand_over(*, realm: Realm, user_id: int, by: Actor) -> None:
    """Make a member the owner; who owned the realm stays as an admin.

    Raises:
        Refusal: `not_found` (no member whose account works), `realm_slug_taken` (the new owner has a realm of
            this name), `quota_exceeded` (the new owner has as many realms as a person may own),
            `role_missing`, `realm_suspended`.
    """
    with transaction.atomic():
        locked = lock_members(realm, by=by, needs=Role.OWNER)
        membership = _membership(locked, user_id)
        heir, former = membership.user, locked.owner
        if not heir.is_active:
            raise Refusal("not_found", f"An operator has disabled the account of {heir.email}.")
        refuse_another_realm(owner=heir, by=by)
        membership.delete()
        locked.owner = heir
        try:
            with transaction.atomic():
                locked.save(update_fields=["owner"])
        except IntegrityError:
            detail = f"{heir.email} owns a realm {realm.slug} already, and may have one of this name only."
            raise Refusal("realm_slug_taken", detail) from None
        Membership.objects.create(realm=locked, user=former, role=Role.ADMIN)
        audit.append(
            "realm.handed_over",
            realm_id=realm.pk,
            by=by,
            target=realm.pk,
            details={"from": former.email, "to": heir.email},
        )
    realm.owner = heir


def lock_members(realm: Realm, *, by: Actor | None, needs: Role = Role.ADMIN) -> Realm:
    """Return a realm as it is now, and keep other changes of its members out until the commit.

    Args:
        by: who changes them, whose role may have changed since the page was opened; operators and
            commands need none. None for somebody who joins.
        needs: the role that the change needs.

    Raises:
        Refusal: `not_found` (deleted), `realm_suspended`, `role_missing`.
    """
    # Without the owner: joined to another one than before, the row would not be found when it is waited for.
    locked = Realm.objects.present().select_for_update(no_key=True).filter(pk=realm.pk).first()
    if locked is None:
        raise Refusal("not_found", "The realm was deleted.")
    if locked.status == Realm.Status.SUSPENDED:
        raise Refusal("realm_suspended")
    if by is not None and not by.runs_hub:
        assert by.user is not None, "members are people's business"
        if not _role_of(by.user, locked).covers(needs):
            raise Refusal("role_missing")
    return locked


def refuse_unless_given(role: Role) -> None:
    """Raise `Refusal` `invalid_request` for the owner's role, which is handed over and not given."""
    if role not in GIVEN:
        raise refusal_at("/role", f"A role to give is {' or '.join(GIVEN)}; a realm has one owner.")


def _role_of(person: User, realm: Realm) -> Role:
    if realm.owner_id == person.pk:
        return Role.OWNER
    membership = Membership.objects.filter(realm=realm, user=person).first()
    if membership is None:
        raise Refusal("not_found")
    return Role(membership.role)


def _membership(realm: Realm, user_id: int) -> Membership:
    membership = Membership.objects.filter(realm=realm, user_id=user_id).select_related("user").first()
    if membership is None:
        raise Refusal("not_found", "There is no such member; they left, or were removed.")
    return membership


def _end_invitations_of(membership: Membership) -> None:
    """End the invitations of somebody who may invite no more, or they could come back by one of them."""
    Invitation.objects.in_realm(membership.realm_id).filter(invited_by=membership.user).delete()
