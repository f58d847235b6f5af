"""Rooms that are not furnished yet."""

from django.http import HttpRequest, HttpResponse

from hub.console.pages import ROOMS, show
from realms.members.rules import Member


def show_room(request: HttpRequest, member: Member) -> HttpResponse:
    """Show an empty room."""
    match = request.resolver_match
    name = str(match.url_name) if match else "realm"
    return show(request, member, "room_to_come.html", {"title": dict(ROOMS)[name]}, room=name)
