"""Tenants and their API keys."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Now

from realms import ids
from realms.audit.models import AuditEvent, AuditHead
from realms.members.models import Invitation, Membership

__all__ = ["ApiKey", "ApiKeySecret", "AuditEvent", "AuditHead", "Invitation", "Membership", "Realm"]

OF_KEYS = "Of each key that has no limit of its own. Empty: the hub's default. 0: no limit."
DAYS_AT_MOST = 3650  # a span that leads out of the database's calendar would stop the sweeps of all realms
AUDIT_DAYS_AT_LEAST = 30  # who may change settings is not to make what they did disappear at once
SLUG_PATTERN = r"[a-z0-9][a-z0-9-]{0,62}"


class RealmQuerySet(models.QuerySet["Realm"]):
    """Realms."""

    def present(self) -> Self:
        """Leave out those that were deleted, of which only the audit log is kept."""
        return self.exclude(status=Realm.Status.DELETED)


class Realm(models.Model):
    """A tenant: what belongs to it is seen from nowhere else."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"
        DELETED = "deleted"

    id = ids.IdField(prefix=ids.REALM)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="realms")
    slug = models.CharField(
        max_length=63,
        validators=[RegexValidator(rf"\A{SLUG_PATTERN}\Z", "Small letters, digits and dashes.")],
        help_text="The realm's name in the API, unique among its owner's.",
    )
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    session_timeout_seconds = models.PositiveIntegerField(
        default=15 * 60,
        validators=[MinValueValidator(10), MaxValueValidator(DAYS_AT_MOST * 86_400)],
        help_text="A session not seen for this long is inactive.",
    )
    session_expiry_days = models.PositiveIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(DAYS_AT_MOST)],
        help_text="An inactive session is deregistered after this.",
    )
    retention_days = models.PositiveIntegerField(
        default=30,
        validators=[MaxValueValidator(DAYS_AT_MOST)],
        help_text="Messages are kept for this long after they are read.",
    )
    audit_retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(AUDIT_DAYS_AT_LEAST), MaxValueValidator(DAYS_AT_MOST)],
        help_text="Events of the audit log are cut off after this. Empty: never.",
    )
    grant_max_days = models.PositiveIntegerField(
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(DAYS_AT_MOST)],
        help_text="No grant may last longer.",
    )
    inbox_limit = models.PositiveIntegerField(
        default=10_000, validators=[MinValueValidator(1)], help_text="Unread messages an inbox may hold."
    )
    max_sessions = models.PositiveIntegerField(
        default=10_000, help_text="Sessions that are not deregistered, at most."
    )
    max_streams = models.PositiveIntegerField(default=10_000, help_text="Open streams, at most.")
    memory_max_entries = models.PositiveIntegerField(default=100_000)
    memory_max_bytes = models.PositiveBigIntegerField(default=256 * 1024 * 1024)
    reads_per_minute = models.PositiveIntegerField(null=True, blank=True, help_text=OF_KEYS)
    writes_per_minute = models.PositiveIntegerField(null=True, blank=True, help_text=OF_KEYS)
    require_signatures = models.BooleanField(default=False, help_text="Refuse envelopes without a signature.")

    objects = RealmQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                "owner", "slug", condition=~models.Q(status="deleted"), name="realm_slug_unique_per_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Keys of realms."""

    def in_realm(self, realm_id: str) -> Self:
        """Keep the keys of one realm."""
        return self.filter(realm_id=realm_id)


class ApiKey(models.Model):
    """A credential of a realm, which owns the sessions registered with it. Its secrets come and go."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        DISABLED = "disabled"
        REVOKED = "revoked"

    id = ids.IdField(prefix=ids.KEY)
    realm = models.ForeignKey(Realm, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=64)
    scopes = models.JSONField(help_text="`read` covers GET, `write` the rest.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    expires_at = models.DateTimeField(null=True, blank=True)
    reads_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Empty: the realm's. 0: no limit."
    )
    writes_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Empty: the realm's. 0: no limit."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    warned_days = models.PositiveSmallIntegerField(
        null=True, editable=False, help_text="How many days before its end its realm's people were told last."
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        indexes: ClassVar[list[models.Index]] = [models.Index("realm", "status", name="apikey_of_realm")]

    def __str__(self) -> str:
        return self.name


class ApiKeySecret(models.Model):
    """One secret of a key: its digest, and enough of it that its owner knows it again."""

    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="secrets")
    digest = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of the plaintext.")
    last_four = models.CharField(max_length=4)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, help_text="The end of its grace, if it was rotated out.")

    def __str__(self) -> str:
        return f"aisp_…{self.last_four}"
