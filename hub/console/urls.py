"""Every page of the console, with the role that opens it. What needs no role but membership is a viewer's."""

from django.urls import path

from hub.console import (
    audit,
    audit_export,
    home,
    invitations,
    keys,
    members,
    realm_settings,
    rooms_to_come,
    start,
)
from hub.console.access import act, form, page
from realms.members.models import Role

urlpatterns = [
    path("", home.home, name="home"),
    path("realms/new", home.new_realm, name="new-realm"),
    path("invitations/<str:token>", invitations.show_invitation, name="invitation"),
    page("", rooms_to_come.show_room, name="realm"),
    form("start", start.show_start, name="realm-start"),
    page("sessions", rooms_to_come.show_room, name="realm-sessions"),
    page("messages", rooms_to_come.show_room, name="realm-messages"),
    page("memory", rooms_to_come.show_room, name="realm-memory"),
    page("grants", rooms_to_come.show_room, name="realm-grants"),
    page("keys", keys.list_keys, name="realm-keys"),
    form("keys/issue", keys.issue, name="realm-key-issue"),
    page("keys/<str:key_id>", keys.show_key, name="realm-key"),
    form("keys/<str:key_id>/rotate", keys.rotate, name="realm-key-rotate"),
    act("keys/<str:key_id>/end-grace", keys.end_grace, name="realm-key-end-grace"),
    act("keys/<str:key_id>/disable", keys.disable, name="realm-key-disable"),
    act("keys/<str:key_id>/enable", keys.enable, name="realm-key-enable"),
    form("keys/<str:key_id>/revoke", keys.revoke, name="realm-key-revoke"),
    page("members", members.list_members, name="realm-members"),
    form("members/invite", members.invite, name="realm-member-invite"),
    act("members/invitations/<str:invitation_id>/again", members.invite_again, name="realm-invite-again"),
    act("members/invitations/<str:invitation_id>/withdraw", members.withdraw, name="realm-invite-withdraw"),
    form("members/leave", members.leave, name="realm-leave", role=Role.VIEWER),
    form("members/<str:user_id>/role", members.change_role, name="realm-member-role"),
    form("members/<str:user_id>/remove", members.remove, name="realm-member-remove"),
    form(
        "members/<str:user_id>/hand-over", members.hand_over, name="realm-member-hand-over", role=Role.OWNER
    ),
    page("audit", audit.list_events, name="realm-audit"),
    page("audit/export", audit_export.export, name="realm-audit-export"),
    page("audit/verify", audit.verify, name="realm-audit-verify"),
    page("settings", realm_settings.show_settings, name="realm-settings"),
    form("settings/change", realm_settings.change, name="realm-settings-change"),
    act("settings/export", realm_settings.export, name="realm-export", role=Role.OWNER),
    form("settings/delete", realm_settings.delete, name="realm-delete", role=Role.OWNER),
]
