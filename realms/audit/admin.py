"""The audit log in the operators' admin: it shows, and nothing else."""

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from realms import ids
from realms.audit.actor import Kind
from realms.audit.models import AuditEvent
from realms.cells import column, time_of, two_lines
from realms.operators import ChoiceFilter, ReadOnlyAdmin


class ActorKindFilter(ChoiceFilter):
    """By what acted."""

    title = "actor"
    parameter_name = "actor_kind"
    values = tuple(Kind)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin[AuditEvent]):
    """Events, the newest first."""

    list_display = ("when", "action_and_target", "name_and_kind", "tenant", "number")
    list_filter = (ActorKindFilter, "at")
    search_fields = ("action__istartswith", "target__exact", "actor__exact", "request_id__exact")
    search_help_text = "An action, or a whole target, actor or request id"
    searched_ids = {ids.EVENT: ["pk"], ids.REALM: ["realm"]}
    ordering = ("-pk",)  # the order of time, without sorting a big table
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("id", "realm", "realm_owner", "number", "when")}),
        ("What", {"fields": ("action", "target", "details_said")}),
        ("Who", {"fields": ("who", "request_id", "address")}),
        ("Chain", {"fields": ("follows",)}),
    )

    when = time_of("at", "time")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """Events with their realms and owners."""
        return super().get_queryset(request).select_related("realm__owner")

    @column(description="action")
    def action_and_target(self, event: AuditEvent) -> SafeString:
        """What was done, and to what."""
        return two_lines(event.action, event.target)

    @column(description="actor")
    def who(self, event: AuditEvent) -> str:
        """Kind and name of whoever acted."""
        return f"{event.actor_kind} {event.actor}"

    @column(description="actor")
    def name_and_kind(self, event: AuditEvent) -> SafeString:
        """The same for a row, where an id leaves no room beside it."""
        return two_lines(event.actor, event.actor_kind)

    @column(description="details")
    def details_said(self, event: AuditEvent) -> str:
        """The details as JSON."""
        return json.dumps(event.details, ensure_ascii=False)

    @column(description="SHA-256 of the event before")
    def follows(self, event: AuditEvent) -> str:
        """The digest in hexadecimal."""
        return bytes(event.previous).hex()
