"""The people around Alice's realm, and what tests of its members look at."""

from dataclasses import dataclass
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import User
from realms.audit.actor import Actor
from realms.members.invitations import AGAIN_SECONDS, invite
from realms.members.models import Invitation, Membership, Role
from realms.models import AuditEvent, Realm
from tests.cast import new_owner


@dataclass(frozen=True)
class Invited:
    """Somebody's invitation, and the token of its link."""

    invitation: Invitation
    token: str


def acting(user: User) -> Actor:
    """Return a person who changes something."""
    return Actor.person(user)


def proven(name: str) -> User:
    """Return a new person whose address is known to be theirs."""
    return new_owner(name)


def unproven(name: str) -> User:
    """Return a new person who signed up and did not follow the link in the mail."""
    user = new_owner(name)
    EmailAddress.objects.filter(user=user).update(verified=False)
    return user


def joined(realm: Realm, name: str, role: Role) -> User:
    """Return a new person who belongs to a realm."""
    user = proven(name)
    Membership.objects.create(realm=realm, user=user, role=role)
    return user


def invited(realm: Realm, name: str, role: Role = Role.VIEWER, by: User | None = None) -> Invited:
    """Return the invitation of a person, who need not be there yet."""
    return Invited(*invite(realm=realm, email=f"{name}@example.com", role=role, by=acting(by or realm.owner)))


def later() -> None:
    """Let so much time pass that each invitation may be sent again."""
    ago = timezone.now() - timedelta(seconds=AGAIN_SECONDS)
    Invitation.objects.update(created_at=ago)


def ended(invitation: Invitation) -> None:
    """Let an invitation end."""
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def role_of(realm: Realm, user: User) -> str | None:
    """Return the role that a person was given in a realm."""
    return Membership.objects.filter(realm=realm, user=user).values_list("role", flat=True).first()


def last_event(realm: Realm) -> tuple[str, str, str, dict[str, object]]:
    """Return action, actor, target and details of the newest event of a realm."""
    event = AuditEvent.objects.in_realm(realm.pk).last()
    assert event is not None
    return event.action, event.actor, event.target, event.details
