"""The first minute: a key, a session, a message. Each step turns by itself when it is done."""

from django.conf import settings
from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse

from hub.console.pages import show
from hub.messages.models import Message
from hub.sessions.models import Session
from realms.keys import issue_key
from realms.members.rules import Member
from realms.models import ApiKey
from realms.person import person_of
from realms.refusal import Refusal

FIRST_KEY = "first key"


def show_start(request: HttpRequest, member: Member) -> HttpResponse:
    """Show how far the realm is; POST issues a key, whose plaintext is in this answer alone."""
    plaintext = None
    if request.method == "POST":
        try:
            _, plaintext = issue_key(realm=member.realm, name=FIRST_KEY, by=person_of(request))
        except Refusal as refusal:
            flash.error(request, refusal.detail)
    sessions = Session.objects.filter(realm=member.realm)
    messages = Message.objects.in_realm(member.realm.pk).exclude(sender=None)
    context = {
        "origin": settings.HUB_ORIGIN,
        "plaintext": plaintext,
        "key": ApiKey.objects.in_realm(member.realm.pk).order_by("pk").first(),
        "session": sessions.order_by("-pk").first(),
        "message": messages.order_by("-sent_at").first(),
    }
    return show(request, member, "start.html", context, room="realm")
