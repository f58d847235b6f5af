"""Messages, the inboxes they arrive in, and the pings that wait for their pong."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from hub.sessions.models import Session
from realms import ids
from realms.models import Realm

NONCE_CHARACTERS = 128
HUB = "hub"  # what `from` and `to` say where the hub itself sends or is meant


class Inbox(models.Model):
    """A session's inbox: how many messages it ever got and how many are unread.

    The row is the lock of the inbox. It is narrow and apart from the session, since every message changes
    it, and a session without one is deregistered.
    """

    session = models.OneToOneField(Session, models.CASCADE, primary_key=True, related_name="inbox")
    realm = models.ForeignKey(Realm, models.CASCADE, related_name="+", db_index=False)
    seq = models.BigIntegerField(default=0, help_text="Number of the newest message.")
    unread = models.IntegerField(default=0)
    first_expiry = models.DateTimeField(
        null=True, help_text="No unread message expires before; empty: none does."
    )

    class Meta:
        verbose_name_plural = "inboxes"
        # Of what never changes alone: an index of `unread` would cost every send its update in place.
        indexes: ClassVar[list[models.Index]] = [models.Index("realm", name="inbox_of_realm")]

    def __str__(self) -> str:
        return str(self.session_id)

    def first_expiry_with(self, expires_at: datetime | None) -> datetime | None:
        """Return what `first_expiry` is once it holds another message too."""
        if self.unread == 0:
            return expires_at
        return min(filter(None, (self.first_expiry, expires_at)), default=None)

    @property
    def holds_all(self) -> bool:
        """Whether no unread message can have expired, so that `unread` is how many can be read."""
        return self.first_expiry is None or self.first_expiry > timezone.now()


class MessageQuerySet(models.QuerySet["Message"]):
    """Messages, taken by realm first."""

    def in_realm(self, realm_id: str) -> Self:
        """Keep one realm's messages."""
        return self.filter(realm_id=realm_id)


class Message(models.Model):
    """What one session, or the hub, sent to one or more."""

    id = ids.IdField(prefix=ids.MESSAGE)
    realm = models.ForeignKey(Realm, models.CASCADE, related_name="+", db_index=False)
    sender = models.ForeignKey(
        Session,
        models.CASCADE,
        null=True,
        related_name="sent",
        db_index=False,
        help_text="Empty: the hub itself.",
    )
    recipients = models.JSONField(help_text="The ids that it was sent to.")
    category = models.CharField(max_length=16)
    # Text, not jsonb: jsonb turns 1e308 into 309 digits and loses -0.0 and the order of members, and the
    # text goes into answers as it stands.
    payload = models.TextField(help_text="A JSON object, as compact text.")
    envelope = models.TextField(
        blank=True, help_text="Of a signed message: all members but the payload, as the sender wrote them."
    )
    reply_to = models.UUIDField(null=True)
    capability = models.CharField(max_length=128, blank=True)
    sent_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True)
    is_dropped = models.BooleanField(
        default=False, db_default=False, help_text="It expired, and was taken out of the inboxes."
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index("realm", "sent_at", name="message_of_realm"),
            models.Index("realm", "category", "sent_at", name="message_of_category"),
            models.Index("sender", "sent_at", name="message_of_sender"),
            models.Index(
                "expires_at",
                name="message_to_expire",
                condition=models.Q(expires_at__isnull=False, is_dropped=False),
            ),
        ]

    def __str__(self) -> str:
        return self.pk


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Deliveries, taken by inbox first."""

    def held(self) -> Self:
        """Leave out what has expired, whether or not it was dropped."""
        return self.filter(models.Q(message__expires_at=None) | models.Q(message__expires_at__gt=Now()))

    def in_inbox(self, realm_id: str, session_id: str) -> Self:
        """Keep what one inbox of a realm holds."""
        return self.filter(message__realm_id=realm_id, recipient_id=session_id).held()


class Delivery(models.Model):
    """A message in one inbox, under that inbox's own number."""

    pk = models.CompositePrimaryKey("recipient_id", "seq")
    recipient = models.ForeignKey(Session, models.CASCADE, related_name="deliveries", db_index=False)
    seq = models.BigIntegerField()
    message = models.ForeignKey(Message, models.CASCADE, related_name="deliveries", db_index=False)
    delivered_at = models.DateTimeField(
        null=True, help_text="When a stream of the recipient, or a poll, had it first."
    )
    read_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("message", "recipient", name="delivery_once_per_recipient"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                "recipient", "seq", name="delivery_unread", condition=models.Q(read_at__isnull=True)
            ),
            models.Index(
                "recipient", "read_at", name="delivery_read", condition=models.Q(read_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.recipient_id}"


class Ping(models.Model):
    """A caller waiting for a session's pong."""

    message = models.OneToOneField(Message, models.CASCADE, primary_key=True, related_name="ping")
    target = models.ForeignKey(Session, models.CASCADE, related_name="+")
    asker = models.ForeignKey(Session, models.CASCADE, null=True, related_name="+")
    nonce = models.CharField(max_length=NONCE_CHARACTERS)
    sent_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"ping of {self.target_id}"
