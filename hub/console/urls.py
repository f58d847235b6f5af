"""Every page of the console, with the role that opens it. What needs no role but membership is a viewer's."""

from django.urls import path

from hub.console import home, keys, rooms_to_come, start
from hub.console.access import act, form, page
from realms.members.models import Role

urlpatterns = [
    path("", home.home, name="home"),
    path("realms/new", home.new_realm, name="new-realm"),
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
    page("members", rooms_to_come.show_room, name="realm-members"),
    page("audit", rooms_to_come.show_room, name="realm-audit"),
    page("settings", rooms_to_come.show_room, name="realm-settings", role=Role.VIEWER),
]
