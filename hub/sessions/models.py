"""Sessions: the running agents of a realm."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models.functions import Lower, Now

from realms import ids
from realms.models import ApiKey, Realm


class CapabilitiesField(models.JSONField[list[str], list[str]]):
    """A list of capability names, which can be asked for one: `capabilities__declares="delegate.receive"`."""


@CapabilitiesField.register_lookup
class Declares(models.Lookup[str]):
    """True where the list holds the name (Django's own `contains` does not exist on SQLite)."""

    lookup_name = "declares"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, tuple[str, ...]]:
        return "%s", (value,)

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        sql = f"EXISTS (SELECT 1 FROM json_each({lhs}) AS name WHERE name.value = {rhs})"  # noqa: S608
        return sql, [*lhs_params, *rhs_params]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        return f"{lhs} ? {rhs}", [*lhs_params, *rhs_params]


class SessionQuerySet(models.QuerySet["Session"]):
    """Sessions, taken by realm first."""

    def in_realm(self, realm_id: str) -> Self:
        """Keep one realm's sessions that are not deregistered."""
        return self.filter(realm_id=realm_id).exclude(status=Session.Status.DEREGISTERED)

    def ever_in_realm(self, realm_id: str) -> Self:
        """Keep one realm's sessions, those too that are deregistered."""
        return self.filter(realm_id=realm_id)


class Session(models.Model):
    """One running agent."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        INACTIVE = "inactive"
        DEREGISTERED = "deregistered"

    id = ids.IdField(prefix=ids.SESSION)
    realm = models.ForeignKey(Realm, models.CASCADE, related_name="sessions")
    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="sessions", verbose_name="API key")
    name = models.CharField(max_length=64)
    kind = models.CharField(max_length=32)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    capabilities = CapabilitiesField(default=list)
    public_key = models.CharField(max_length=96, null=True, blank=True)
    manifest = models.TextField(default="{}", help_text="A JSON object, as compact text.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_seen = models.DateTimeField(db_default=Now(), editable=False)

    objects = SessionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                "realm",
                Lower("name"),
                condition=~models.Q(status="deregistered"),
                name="session_name_unique_in_realm",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index("realm", "status", "id", name="session_of_realm"),
            models.Index("key", "status", name="session_of_key"),
        ]

    def __str__(self) -> str:
        return self.name
