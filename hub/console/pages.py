"""What all pages of a realm show besides their own: the realm, its rooms, and what waits in them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from hub.grants.models import Grant
from realms.members.models import Role
from realms.members.rules import Member, realms_of
from realms.models import Realm

# The name of each room's first page, in the order of the navigation.
ROOMS = (
    ("realm", "Overview"),
    ("realm-sessions", "Sessions"),
    ("realm-messages", "Messages"),
    ("realm-memory", "Memory"),
    ("realm-grants", "Grants"),
    ("realm-keys", "Keys"),
    ("realm-members", "Members"),
    ("realm-audit", "Audit"),
    ("realm-settings", "Settings"),
)


def show(
    request: HttpRequest,
    member: Member,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    room: str,
    status: int = 200,
) -> HttpResponse:
    """Return a page of a realm.

    Args:
        template: below `templates/console`.
        room: which of `ROOMS` it belongs to.
    """
    shown = {
        "member": member,
        "realm": member.realm,
        "realms": realms_of(member.user),
        "rooms": ROOMS,
        "room": room,
        "may_change": member.may(Role.ADMIN) and member.realm.status == Realm.Status.ACTIVE,
        "is_owner": member.may(Role.OWNER),
        "pending_grants": Grant.objects.in_realm(member.realm.pk).in_status(Grant.Status.PENDING).count(),
        # A page whose address is refused would be refused again each time that it asks anew.
        "follows": status == HTTPStatus.OK or request.method == "POST",
        **(context or {}),
    }
    return render(request, f"console/{template}", shown, status=status)
