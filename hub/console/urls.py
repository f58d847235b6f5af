"""Every page of the console, with the role that opens it. What needs no role but membership is a viewer's."""

from django.urls import path

from hub.console import (
    home,
    keys,
    messages,
    rooms_to_come,
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
    page("", rooms_to_come.show_room, name="realm"),
    form("start", start.show_start, name="realm-start"),
    page("sessions", sessions.list_sessions, name="realm-sessions"),
    page("sessions/<str:session_id>", sessions.show_session, name="realm-session"),
    act("sessions/<str:session_id>/ping", session_ping.ping, name="realm-session-ping"),
    form("sessions/<str:session_id>/deregister", session_end.deregister, name="realm-session-deregister"),
    page("messages", messages.list_messages, name="realm-messages"),
    page("messages/<str:message_id>", messages.show_message, name="realm-message"),
    act("messages/<str:message_id>/open", messages.open_message, name="realm-message-open", role=Role.OWNER),
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
    page("members", rooms_to_come.show_room, name="realm-members"),
    page("audit", rooms_to_come.show_room, name="realm-audit"),
    page("settings", rooms_to_come.show_room, name="realm-settings", role=Role.VIEWER),
]
