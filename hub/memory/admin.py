"""Memory in the operators' admin: keys and sizes, never a value."""

from django.contrib import admin
from django.contrib.admin import action
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from hub.memory.models import MemoryEntry, MemoryNamespace
from hub.memory.rules import remove_entry
from hub.sessions.models import Session
from realms import ids
from realms.cells import column, link_to_list, time_of
from realms.operators import Question, ReadOnlyAdmin

DELETING = Question("Delete", "The values are gone for good, whoever owns or reads them.")


@admin.register(MemoryNamespace)
class MemoryNamespaceAdmin(ReadOnlyAdmin[MemoryNamespace]):
    """Namespaces: the first writer owns one."""

    list_display = ("name", "owner", "tenant", "entries")
    linked_lookups = ("realm__id__exact", "owner__id__exact")
    search_fields = ("name", "owner__name", "realm__slug", "realm__owner__email")
    search_help_text = "A namespace, an owner, or an id of a session or a realm"
    searched_ids = {ids.SESSION: ["owner"], ids.REALM: ["realm"]}
    ordering = ("-pk",)
    fieldsets = ((None, {"fields": ("name", "owner", "realm", "realm_owner", "entries")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MemoryNamespace]:
        """Namespaces with their owners and realms."""
        namespaces = super().get_queryset(request).select_related("realm__owner", "owner")
        return namespaces.defer("owner__manifest")

    @column(description="entries")
    def entries(self, namespace: MemoryNamespace) -> SafeString:
        """The way to the entries."""
        return link_to_list(MemoryEntry, "Entries", namespace__id__exact=namespace.pk)


@admin.register(MemoryEntry)
class MemoryEntryAdmin(ReadOnlyAdmin[MemoryEntry]):
    """Entries without their values. Only the rule deletes, which keeps the realm's totals right."""

    list_display = ("key", "owner", "size", "version", "tenant", "updated")
    linked_lookups = ("realm__id__exact", "namespace__id__exact")
    search_fields = ("key", "namespace__owner__name", "realm__slug", "realm__owner__email")
    search_help_text = "A key, an owner, or an id of a session or a realm"
    searched_ids = {ids.SESSION: ["namespace__owner"], ids.REALM: ["realm"]}
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("key", "namespace", "owner", "realm", "realm_owner")}),
        ("Content", {"fields": ("size", "version", "written_by", "updated")}),
    )
    actions = ("remove",)

    updated = time_of("updated_at", "updated")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MemoryEntry]:
        """Entries without values, with the namespaces' owners and the realms."""
        entries = super().get_queryset(request)
        related = entries.select_related("realm__owner", "namespace__owner", "written_by")
        return related.defer("value", "namespace__owner__manifest", "written_by__manifest")

    @column(description="namespace owner", ordering="namespace__owner__name")
    def owner(self, entry: MemoryEntry) -> Session:
        """The session that owns the entry's namespace."""
        return entry.namespace.owner

    @action(description="Delete", permissions=["operate"])
    def remove(self, request: HttpRequest, queryset: QuerySet[MemoryEntry]) -> HttpResponse | None:
        """Delete entries, whoever owns them."""
        return self.carry_out(
            request,
            queryset,
            lambda entry, by: remove_entry(entry=entry, by=by),
            done="deleted",
            asked=DELETING,
        )
