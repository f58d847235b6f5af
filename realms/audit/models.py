"""The audit log's rows. Nothing here changes or deletes an event, and PostgreSQL refuses both."""

from typing import Any, ClassVar, NoReturn, Self

from django.db import models

from realms import ids

ADDRESS_CHARACTERS = 45  # an IPv6 address with an IPv4 one in it
TARGET_CHARACTERS = 255


class AppendOnly(TypeError):
    """Somebody tries to change or delete what is written once and for all."""

    def __init__(self) -> None:
        super().__init__("the audit log is append-only")


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Events, taken by realm first."""

    def in_realm(self, realm_id: str) -> Self:
        """Keep one realm's events, in the order of its chain."""
        return self.filter(realm_id=realm_id).order_by("number")

    def update(self, **_: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnly

    def delete(self) -> NoReturn:
        """Refuse."""
        raise AppendOnly


class AuditEvent(models.Model):
    """One change of control state."""

    id = ids.IdField(prefix=ids.EVENT)
    realm = models.ForeignKey("realms.Realm", models.PROTECT, related_name="audit_events", db_index=False)
    number = models.BigIntegerField(help_text="Its place in the realm's chain, from 1.")
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=8)
    actor = models.CharField(max_length=254)
    action = models.CharField(max_length=40)
    target = models.CharField(max_length=TARGET_CHARACTERS)
    request_id = models.CharField(max_length=128, blank=True)
    address = models.CharField(max_length=ADDRESS_CHARACTERS, blank=True)
    details = models.JSONField(default=dict)
    previous = models.BinaryField(max_length=32, help_text="SHA-256 of the event before.")

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("realm", "number", name="audit_event_numbered_in_realm"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index("realm", "target", "number", name="audit_event_of_target"),
            models.Index("realm", "actor", "number", name="audit_event_of_actor"),
            models.Index("realm", "at", name="audit_event_of_time"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.action}"

    def save(self, *args: Any, **options: Any) -> None:
        """Write a new event; refuse to write one again."""
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **{**options, "force_insert": True})

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnly


class AuditHead(models.Model):
    """Where a realm's chain ends. Its row is the lock under which the chain grows."""

    realm = models.OneToOneField("realms.Realm", models.PROTECT, primary_key=True, related_name="audit_head")
    number = models.BigIntegerField(default=0)
    digest = models.BinaryField(max_length=32, default=bytes(32))
    cut_number = models.BigIntegerField(
        default=0, db_default=0, help_text="The last event that was cut off, as old as the realm keeps them."
    )
    cut_digest = models.BinaryField(max_length=32, null=True, help_text="Its SHA-256.")

    def __str__(self) -> str:
        return f"{self.number}:{bytes(self.digest).hex()}"
