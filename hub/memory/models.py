"""Memory: the entries of a realm's store, and who owns which namespace."""

from typing import Any, ClassVar, Self, TypeAlias, TypedDict

from django.db import models
from django.db.models.functions import Left
from django_stubs_ext import WithAnnotations

from hub.sessions.models import Session
from realms.models import Realm

KEY_CHARACTERS = 255


def in_subtree(prefix: str) -> models.Q:
    """Match the keys below `prefix` and a dot.

    Compared as a prefix of exact characters: SQLite's LIKE takes `A` for `a`.
    """
    stem = f"{prefix}."
    return models.Q(models.lookups.Exact(Left("key", len(stem)), stem))


class MemoryNamespace(models.Model):
    """The first segment of keys: the session that first writes one owns it and all keys in it."""

    realm = models.ForeignKey(Realm, models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=KEY_CHARACTERS)
    owner = models.ForeignKey(Session, models.CASCADE, related_name="namespaces")

    class Meta:
        verbose_name = "memory namespace"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("realm", "name", name="memory_namespace_unique_in_realm"),
        ]

    def __str__(self) -> str:
        return self.name


class MemoryEntryQuerySet(models.QuerySet["MemoryEntry"]):
    """Entries, taken by realm first."""

    def in_realm(self, realm_id: str) -> Self:
        """Keep one realm's entries."""
        return self.filter(realm_id=realm_id)

    def with_owner(self) -> models.QuerySet[Any]:
        """Add to each entry who owns its namespace."""
        return self.annotate(owner_id=models.F("namespace__owner"))

    def under(self, prefix: str) -> Self:
        """Keep the key `prefix` itself and everything below it."""
        return self.filter(models.Q(key=prefix) | in_subtree(prefix), namespace__name=prefix.split(".")[0])


class MemoryEntry(models.Model):
    """A JSON value under a key."""

    realm = models.ForeignKey(Realm, models.CASCADE, related_name="+", db_index=False)
    namespace = models.ForeignKey(MemoryNamespace, models.CASCADE, related_name="entries")
    key = models.CharField(max_length=KEY_CHARACTERS)
    value = models.TextField(help_text="A JSON value, as compact text.")
    size = models.PositiveIntegerField(help_text="Bytes of the value.")
    version = models.PositiveBigIntegerField(default=1)
    written_by = models.ForeignKey(Session, models.SET_NULL, null=True, related_name="+")
    updated_at = models.DateTimeField()

    objects = MemoryEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "memory entries"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("realm", "key", name="memory_key_unique_in_realm"),
        ]

    def __str__(self) -> str:
        return self.key


class _Owned(TypedDict):
    owner_id: str


OwnedEntry: TypeAlias = "WithAnnotations[MemoryEntry, _Owned]"


class MemoryUsage(models.Model):
    """What a realm's entries add up to, kept under the row's lock so that a quota needs no counting."""

    realm = models.OneToOneField(Realm, models.CASCADE, primary_key=True, related_name="memory_usage")
    entries = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "memory usage"

    def __str__(self) -> str:
        return f"{self.entries} entries, {self.bytes} bytes"
