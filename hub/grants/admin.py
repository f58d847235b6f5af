"""Grants in the operators' admin."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter, action
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from hub.grants.models import Grant
from hub.grants.rules import revoke_on_behalf_of_grantor
from hub.grants.transitions import status_now
from realms import ids
from realms.cells import column, time_of, two_lines
from realms.operators import Question, ReadOnlyAdmin

REVOKING = Question(
    "Revoke",
    "The next operation that needs it is refused, and both sides are told. A new one has to be asked for.",
)


class StatusFilter(SimpleListFilter):
    """The status as it is now, whether or not a worker has written it."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """The choices."""
        return list(Grant.Status.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Grant]) -> QuerySet[Grant]:
        """Keep the grants in the chosen status."""
        chosen = self.value()
        return queryset if chosen is None else Grant.objects.in_status(chosen) & queryset


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin[Grant]):
    """Grants: sessions ask and decide, and an operator can end one."""

    list_display = ("what_and_id", "requester", "grantor", "status_label", "tenant", "expires")
    list_filter = (StatusFilter,)
    linked_lookups = ("realm__id__exact", "requester__id__exact", "grantor__id__exact")
    search_fields = ("capability", "namespace", "requester__name", "grantor__name")
    search_help_text = "A capability, a namespace, a name, or an id"
    searched_ids = {ids.GRANT: ["pk"], ids.SESSION: ["requester", "grantor"], ids.REALM: ["realm"]}
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("id", "realm", "realm_owner", "requester", "grantor", "status_label")}),
        ("What was asked", {"fields": ("capability", "namespace", "reason")}),
        ("Times", {"fields": ("asked", "decided", "expires", "ended")}),
    )
    actions = ("revoke",)

    asked = time_of("created_at", "asked")
    decided = time_of("decided_at", "decided")
    expires = time_of("expires_at", "expires")
    ended = time_of("ended_at", "ended")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Grant]:
        """Grants with both sides and the realm."""
        grants = super().get_queryset(request).select_related("realm__owner", "requester", "grantor")
        return grants.defer("requester__manifest", "grantor__manifest")

    @column(description="capability", ordering="capability")
    def what_and_id(self, grant: Grant) -> SafeString:
        """What is granted, and the id."""
        return two_lines(grant, grant.pk)

    @column(
        description="status",
        label={
            Grant.Status.ACTIVE: "success",
            Grant.Status.PENDING: "info",
            Grant.Status.DENIED: "danger",
            Grant.Status.REVOKED: "danger",
            Grant.Status.EXPIRED: "warning",
        },
    )
    def status_label(self, grant: Grant) -> str:
        """The status as it is now, in colour."""
        return status_now(grant)

    @action(description="Revoke: both sides are told", permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Grant]) -> HttpResponse | None:
        """End grants on behalf of their grantors."""
        return self.carry_out(
            request,
            queryset,
            lambda grant, by: revoke_on_behalf_of_grantor(grant=grant, by=by),
            done="revoked",
            asked=REVOKING,
        )
