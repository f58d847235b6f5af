"""Who belongs to a realm, and who is invited to."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from realms import ids


class Role(models.TextChoices):
    """What a person may do in a realm; each role covers those below it."""

    OWNER = "owner"
    ADMIN = "admin"
    VIEWER = "viewer"

    def covers(self, other: "Role") -> bool:
        """Tell whether whoever has this role may do what needs `other`."""
        order = list(Role)
        return order.index(self) <= order.index(other)


# The owner stands on the realm itself, which has exactly one.
GIVEN = (Role.ADMIN, Role.VIEWER)
GIVEN_CHOICES = [(role.value, role.label) for role in GIVEN]


class Membership(models.Model):
    """A person in a realm that another owns."""

    realm = models.ForeignKey("realms.Realm", models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=6, choices=GIVEN_CHOICES)
    joined_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("realm", "user", name="membership_once_per_realm"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations, taken by realm first."""

    def in_realm(self, realm_id: str) -> Self:
        """Keep one realm's invitations."""
        return self.filter(realm_id=realm_id)

    def open(self) -> Self:
        """Keep those that can still be accepted."""
        return self.filter(expires_at__gt=Now())


class Invitation(models.Model):
    """An offer of a role to whoever has an address. It ends when it is accepted or withdrawn."""

    id = ids.IdField(prefix=ids.INVITATION)
    realm = models.ForeignKey("realms.Realm", models.CASCADE, related_name="invitations", db_index=False)
    email = models.EmailField()
    role = models.CharField(max_length=6, choices=GIVEN_CHOICES)
    digest = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of the link's token.")
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("realm", "email", name="invitation_once_per_address"),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.role})"
