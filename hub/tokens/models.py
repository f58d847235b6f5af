"""The hub's own signing keys."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models.functions import Now

KID_CHARACTERS = 43  # the base64url of a SHA-256


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    """Signing keys."""

    def live(self) -> Self:
        """Keep the keys whose tokens are accepted now."""
        return self.filter(models.Q(expires_at=None) | models.Q(expires_at__gt=Now()))


class SigningKey(models.Model):
    """An Ed25519 key pair that the hub signs tokens with, or did until lately."""

    kid = models.CharField(
        primary_key=True, max_length=KID_CHARACTERS, help_text="The JWK thumbprint of its public half."
    )
    public_key = models.BinaryField(max_length=32)
    sealed_private_key = models.TextField()
    signs = models.BooleanField(default=True, help_text="New tokens are signed with this one.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, help_text="When the last token that it signed is over.")

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("signs", condition=models.Q(signs=True), name="signing_key_one_signs"),
        ]

    def __str__(self) -> str:
        return self.kid
