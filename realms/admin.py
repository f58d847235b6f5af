"""Tenants in the operators' admin: realms, and keys without their secrets."""

from collections.abc import Callable

from django.contrib import admin
from django.contrib.admin import action
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from realms import ids
from realms.audit.actor import Actor
from realms.audit.admin import AuditEventAdmin
from realms.cells import column, link_to_list, table, time_of, two_lines
from realms.keys import set_status
from realms.members.admin import InvitationAdmin, MembershipAdmin
from realms.members.models import Invitation, Membership
from realms.models import ApiKey, AuditEvent, Realm
from realms.operators import OperatorsAdmin, Question, ReadOnlyAdmin
from realms.owners import change_settings, create_realm, set_realm_status
from realms.person import operator_of
from realms.times import ago

__all__ = ["ApiKeyAdmin", "AuditEventAdmin", "InvitationAdmin", "MembershipAdmin", "RealmAdmin"]


SUSPENDING = Question(
    "Suspend",
    "Every request of its agents is refused within a second, and their streams end. Its people see that it "
    "is suspended. Nothing is lost, and resuming it lets everything go on.",
)
REVOKING = Question(
    "Revoke",
    "Agents with this key are refused within a second, and their streams end. No key comes back from it: "
    "they need a new one. To stop a key for a while, disable it.",
)


@admin.register(Realm)
class RealmAdmin(OperatorsAdmin[Realm]):
    """Realms: their limits can be set; who owns them and what they are called stays."""

    list_display = ("slug", "owner", "status_label", "created", "id")
    list_filter = ("status",)
    list_select_related = ("owner",)
    search_fields = ("slug", "owner__email")
    search_help_text = "A slug, an owner, or an id"
    searched_ids = {ids.REALM: ["pk"]}
    linked_lookups = ("owner__id__exact",)
    ordering = ("-pk",)
    autocomplete_fields = ("owner",)
    readonly_fields = ("id", "status_label", "created", "see_also")
    add_fieldsets = ((None, {"fields": ("owner", "slug")}),)
    fieldsets = (
        (None, {"fields": ("id", "owner", "slug", "status_label", "created", "see_also")}),
        (
            "Sessions and grants",
            {"fields": ("max_sessions", "session_timeout_seconds", "session_expiry_days", "grant_max_days")},
        ),
        ("Messages", {"fields": ("inbox_limit", "max_streams", "retention_days", "require_signatures")}),
        ("Audit log", {"fields": ("audit_retention_days",)}),
        ("Memory", {"fields": ("memory_max_entries", "memory_max_bytes")}),
        ("Rate limits", {"fields": ("reads_per_minute", "writes_per_minute")}),
    )
    actions = ("suspend", "resume")

    created = time_of("created_at", "created")

    def get_readonly_fields(self, request: HttpRequest, obj: Realm | None = None) -> tuple[str, ...]:
        """Leave slug and owner open only while the realm is being made."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "owner", "slug")

    def save_model(self, request: HttpRequest, obj: Realm, form: "ModelForm[Realm]", change: bool) -> None:
        """Write only what was edited: the status may have changed since the page was opened."""
        if change:
            change_settings(realm=obj, names=form.changed_data, by=operator_of(request))
            return
        made = create_realm(owner=obj.owner, slug=obj.slug, by=operator_of(request))
        obj.pk, obj.created_at = made.pk, made.created_at

    @column(
        description="status",
        ordering="status",
        label={
            Realm.Status.ACTIVE: "success",
            Realm.Status.SUSPENDED: "danger",
            Realm.Status.DELETED: "warning",
        },
    )
    def status_label(self, realm: Realm) -> str:
        """The status, in colour."""
        return realm.status

    def whose(self, realm: Realm) -> str:
        """The owner: many realms have the same slug."""
        return f"of {realm.owner}"

    @column(description="see also")
    def see_also(self, realm: Realm) -> SafeString:
        """The ways to who belongs to the realm, its keys and what was done in it."""
        lists: list[tuple[type[Model], str]] = [
            (Membership, "Members"),
            (Invitation, "Invitations"),
            (ApiKey, "API keys"),
            (AuditEvent, "Audit log"),
        ]
        links = ((link_to_list(model, text, realm__id__exact=realm.pk),) for model, text in lists)
        return format_html_join(" · ", "{}", links)

    @action(description="Suspend: refuse every request of the realm", permissions=["operate"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Realm]) -> HttpResponse | None:
        """Suspend realms."""
        to_suspended = _to_realm_status(Realm.Status.SUSPENDED)
        return self.carry_out(request, queryset, to_suspended, done="suspended", asked=SUSPENDING)

    @action(description="Resume", permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Realm]) -> None:
        """Resume suspended realms."""
        self.carry_out(request, queryset, _to_realm_status(Realm.Status.ACTIVE), done="resumed")


def _to_realm_status(status: Realm.Status) -> Callable[[Realm, Actor], None]:
    return lambda realm, by: set_realm_status(realm=realm, status=status, by=by)


EXPIRED = "expired"


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin[ApiKey]):
    """Keys: the console issues them, since it can show a plaintext once."""

    list_display = ("name_and_id", "tenant", "scopes_held", "status_now", "expires", "last_used")
    list_filter = ("status",)
    search_fields = ("name", "realm__slug", "realm__owner__email")
    search_help_text = "A name, a realm, an owner, or an id"
    searched_ids = {ids.KEY: ["pk"], ids.REALM: ["realm"]}
    ordering = ("-pk",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "id",
                    "name",
                    "realm",
                    "realm_owner",
                    "scopes_held",
                    "status_now",
                    "secrets",
                    "sessions",
                )
            },
        ),
        ("Limits", {"fields": ("reads_per_minute", "writes_per_minute")}),
        ("Times", {"fields": ("created_by", "created", "expires", "last_used")}),
    )
    actions = ("disable", "enable", "revoke")

    created = time_of("created_at", "created")
    expires = time_of("expires_at", "expires")
    last_used = time_of("last_used_at", "last used")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """Keys with their realms and owners."""
        return super().get_queryset(request).select_related("realm__owner")

    @column(description="name", ordering="name")
    def name_and_id(self, key: ApiKey) -> SafeString:
        """The name, which need not be unique, and the id."""
        return two_lines(key.name, key.pk)

    @column(description="scopes")
    def scopes_held(self, key: ApiKey) -> str:
        """The scopes in words."""
        return ", ".join(key.scopes)

    @column(
        description="status",
        ordering="status",
        label={
            ApiKey.Status.ACTIVE: "success",
            ApiKey.Status.DISABLED: "warning",
            ApiKey.Status.REVOKED: "danger",
            EXPIRED: "danger",
        },
    )
    def status_now(self, key: ApiKey) -> str:
        """The status, which an expiry changes by itself."""
        overdue = key.expires_at is not None and key.expires_at <= timezone.now()
        return EXPIRED if overdue and key.status == ApiKey.Status.ACTIVE else key.status

    @column(description="sessions")
    def sessions(self, key: ApiKey) -> SafeString:
        """The way to the key's sessions."""
        return link_to_list(key.sessions.model, "Sessions of this key", key__id__exact=key.pk)

    @column(description="secrets")
    def secrets(self, key: ApiKey) -> SafeString:
        """What is known of the secrets: never the digest."""
        return table(
            ["Secret", "Created", "Works until"],
            [
                (str(secret), ago(secret.created_at, "-"), ago(secret.expires_at, "-"))
                for secret in key.secrets.defer("digest").order_by("pk")
            ],
        )

    @action(description="Disable for now", permissions=["operate"])
    def disable(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Stop keys until they are enabled again."""
        self.carry_out(request, queryset, _to_status(ApiKey.Status.DISABLED), done="disabled")

    @action(description="Enable again", permissions=["operate"])
    def enable(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Let disabled keys work."""
        self.carry_out(request, queryset, _to_status(ApiKey.Status.ACTIVE), done="enabled")

    @action(description="Revoke for good", permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """End keys; no key comes back from it."""
        to_revoked = _to_status(ApiKey.Status.REVOKED)
        return self.carry_out(request, queryset, to_revoked, done="revoked", asked=REVOKING)


def _to_status(status: ApiKey.Status) -> Callable[[ApiKey, Actor], None]:
    return lambda key, by: set_status(key=key, status=status, by=by)
