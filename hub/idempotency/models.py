"""What the API keeps beside the protocol: the answers that an Idempotency-Key stands for."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from realms.models import ApiKey, Realm

NAME_CHARACTERS = 255


class IdempotencyRecord(models.Model):
    """A request that an API key sent with an Idempotency-Key, and its answer."""

    realm = models.ForeignKey(Realm, models.CASCADE, related_name="+", db_index=False)
    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(
        max_length=NAME_CHARACTERS, help_text="SHA-256 of the caller and its Idempotency-Key."
    )
    fingerprint = models.BinaryField(max_length=32, help_text="SHA-256 of path, session and body.")
    sealed_answer = models.TextField(null=True, help_text="Empty while the request runs.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("key", "name", name="idempotency_name_unique_for_key"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index("created_at", name="idempotency_of_age")]

    def __str__(self) -> str:
        return str(self.key_id)
