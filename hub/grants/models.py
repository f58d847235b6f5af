"""Grants: what one session allows another, until when."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models.functions import Now

from hub.sessions.models import Session
from realms import ids
from realms.models import Realm


class GrantQuerySet(models.QuerySet["Grant"]):
    """Grants, taken by realm first. The clock, not a worker, ends a grant."""

    def in_realm(self, realm_id: str) -> Self:
        """Keep one realm's grants."""
        return self.filter(realm_id=realm_id)

    def active(self) -> Self:
        """Keep what was approved and has not ended."""
        return self.filter(status=Grant.Status.ACTIVE, expires_at__gt=Now())

    def open(self) -> Self:
        """Keep what is pending or active now."""
        return self.filter(status__in=Grant.OPEN, expires_at__gt=Now())

    def ended(self) -> Self:
        """Keep what is neither pending nor active now."""
        return self.exclude(status__in=Grant.OPEN, expires_at__gt=Now())

    def in_status(self, status: str) -> Self:
        """Keep what is in `status` now, counting an overdue grant as expired."""
        if status in Grant.OPEN:
            return self.filter(status=status, expires_at__gt=Now())
        if status == Grant.Status.EXPIRED:
            overdue = models.Q(status__in=Grant.OPEN, expires_at__lte=Now())
            return self.filter(overdue | models.Q(status=status))
        return self.filter(status=status)


class Grant(models.Model):
    """A request of one session to another, and what became of it."""

    class Status(models.TextChoices):
        PENDING = "pending"
        ACTIVE = "active"
        DENIED = "denied"
        REVOKED = "revoked"
        EXPIRED = "expired"

    OPEN: ClassVar[tuple[str, ...]] = (Status.PENDING, Status.ACTIVE)

    id = ids.IdField(prefix=ids.GRANT)
    realm = models.ForeignKey(Realm, models.CASCADE, related_name="+", db_index=False)
    requester = models.ForeignKey(Session, models.CASCADE, related_name="grants_asked")
    grantor = models.ForeignKey(Session, models.CASCADE, related_name="grants_given")
    capability = models.CharField(max_length=128)
    namespace = models.CharField(max_length=257, blank=True, help_text="Of memory grants; else empty.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField()

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                "requester",
                "grantor",
                "capability",
                "namespace",
                condition=models.Q(status="pending"),
                name="grant_pending_once",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index("realm", "status", name="grant_of_realm"),
            models.Index(
                "requester",
                "capability",
                "grantor",
                name="grant_active_between",
                condition=models.Q(status="active"),
            ),
            models.Index(
                "expires_at", name="grant_open_until", condition=models.Q(status__in=["pending", "active"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.capability} {self.namespace}".strip()
