"""Tallies: how often something happened in a realm, in a minute or in an hour."""

from typing import Any, ClassVar, Self

from django.db import models

from realms.models import Realm

MEASURE_CHARACTERS = 64


class TallyQuerySet(models.QuerySet["Tally"]):
    """Tallies, taken by realm first."""

    def in_realm(self, realm_id: str) -> Self:
        """Keep one realm's tallies."""
        return self.filter(realm_id=realm_id)


class Tally(models.Model):
    """One measure of one realm in one span of time."""

    class Grain(models.TextChoices):
        MINUTE = "minute"
        HOUR = "hour"

    realm = models.ForeignKey(Realm, models.CASCADE, related_name="+", db_index=False)
    grain = models.CharField(max_length=6, choices=Grain.choices)
    measure = models.CharField(max_length=MEASURE_CHARACTERS)
    begins_at = models.DateTimeField()
    count = models.BigIntegerField(default=0)

    objects = TallyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "tallies"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("realm", "grain", "begins_at", "measure", name="tally_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index("grain", "begins_at", name="tally_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.measure} of a {self.grain}: {self.count}"
