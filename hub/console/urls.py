"""Every page of the console, with the role that opens it. What needs no role but membership is a viewer's."""

from django.urls import path

from hub.console import (
    audit,
    audit_export,
    grants,
    home,
    invitations,
    keys,
    members,
    memory,
    messages,
    namespaces,
    overview,
    realm_settings,
    session_end,
    session_ping,
    sessions,
    start,
)
from hub.console.access import act, form, page
from realms.members.models import Role

urlpatterns = [
    path("", home.home, name="home"),
    path("realms/new", home.new_realm, name="new-realm"),
    path("invitations/<str:token>", invitations.show_invitation, name="invitation"),
    page("", overview.show_overview, name="realm"),
    form("start", start.show_start, name="realm-start"),
    page("sessions", sessions.list_sessions, name="realm-sessions"),
    page("sessions/<str:session_id>", sessions.show_session, name="realm-session"),
    act("sessions/<str:session_id>/ping", session_ping.ping, name="realm-session-ping"),
    form("sessions/<str:session_id>/deregister", session_end.deregister, name="realm-session-deregister"),
    page("messages", messages.list_messages, name="realm-messages"),
    page("messages/<str:message_id>", messages.show_message, name="realm-message"),
    act("messages/<str:message_id>/open", messages.open_message, name="realm-message-open", role=Role.OWNER),
    page("memory", memory.show_memory, name="realm-memory"),
    page("memory/entry/<str:key>", memory.show_entry, name="realm-memory-entry"),
    form("memory/entry/<str:key>/delete", memory.delete_entry, name="realm-memory-entry-delete"),
    form("memory/namespace/<str:name>/hand-over", namespaces.hand_over, name="realm-namespace-hand-over"),
    form("memory/namespace/<str:name>/delete", namespaces.delete, name="realm-namespace-delete"),
    page("grants", grants.list_grants, name="realm-grants"),
    page("grants/<str:grant_id>", grants.show_grant, name="realm-grant"),
    act("grants/<str:grant_id>/approve", grants.approve, name="realm-grant-approve"),
    form("grants/<str:grant_id>/narrow", grants.narrow, name="realm-grant-narrow"),
    act("grants/<str:grant_id>/deny", grants.deny, name="realm-grant-deny"),
    form("grants/<str:grant_id>/revoke", grants.revoke, name="realm-grant-revoke"),
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
    # What a realm holds is its owner's, to take along or to end, whatever the operator thinks of it.
    act("settings/export", realm_settings.export, name="realm-export", role=Role.OWNER, while_suspended=True),
    form(
        "settings/delete", realm_settings.delete, name="realm-delete", role=Role.OWNER, while_suspended=True
    ),
]
