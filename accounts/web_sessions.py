"""The sessions of web browsers: removed once they have expired."""

from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.middleware import SEEN_GRAIN_SECONDS


def sweep_web_sessions() -> int:
    """Remove the sessions that have expired, and the lines about them in people's lists; return how many."""
    expired = Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]
    # What makes a session last longer is noted with some delay.
    lasts = timedelta(seconds=settings.SESSION_COOKIE_AGE + SEEN_GRAIN_SECONDS)
    lines: int = UserSession.objects.filter(last_seen_at__lt=timezone.now() - lasts).delete()[0]
    return expired + lines
