"""Members and invitations in the operators' admin: a realm's own people decide about them."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from realms import ids
from realms.cells import column, time_of, two_lines
from realms.members.models import GIVEN, Invitation, Membership
from realms.operators import ChoiceFilter, ReadOnlyAdmin


class RoleFilter(ChoiceFilter):
    """By role."""

    title = "role"
    parameter_name = "role"
    values = GIVEN


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin[Membership]):
    """Who belongs to realms that others own; the owner stands on the realm."""

    list_display = ("user", "role", "tenant", "joined")
    list_filter = (RoleFilter,)
    linked_lookups = ("realm__id__exact", "user__id__exact")
    search_fields = ("user__email", "realm__slug", "realm__owner__email")
    search_help_text = "An address, a realm, an owner, or a realm's id"
    searched_ids = {ids.REALM: ["realm"]}
    ordering = ("-pk",)
    fields = ("user", "role", "realm", "realm_owner", "joined")

    joined = time_of("joined_at", "joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """Memberships with their people, realms and owners."""
        return super().get_queryset(request).select_related("user", "realm__owner")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin[Invitation]):
    """Who was invited and has not come; the link of an invitation is known to its mail alone."""

    list_display = ("address_and_id", "role", "tenant", "invited_by", "created", "expires")
    list_filter = (RoleFilter,)
    search_fields = ("email", "realm__slug", "realm__owner__email")
    search_help_text = "An address, a realm, an owner, or an id"
    searched_ids = {ids.INVITATION: ["pk"], ids.REALM: ["realm"]}
    ordering = ("-pk",)
    fields = ("id", "email", "role", "realm", "realm_owner", "invited_by", "created", "expires")

    created = time_of("created_at", "invited")
    expires = time_of("expires_at", "expires")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        """Invitations with their realms and people, without the digests of their links."""
        invitations = super().get_queryset(request).select_related("realm__owner", "invited_by")
        return invitations.defer("digest")

    @column(description="address", ordering="email")
    def address_and_id(self, invitation: Invitation) -> SafeString:
        """Who is meant, and the id."""
        return two_lines(invitation.email, invitation.pk)
