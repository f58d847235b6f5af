"""The sessions of web browsers: removed once they have expired."""

from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from accounts.middleware import SEEN_GRAIN_SECONDS


def sweep_web_sessions() -> None:
    """Remove the sessions that have expired, and the lines about them in people's lists."""
    SessionStore.clear_expired()
    # What makes a session last longer is noted with some delay.
    lasts = timedelta(seconds=settings.SESSION_COOKIE_AGE + SEEN_GRAIN_SECONDS)
    UserSession.objects.filter(last_seen_at__lt=timezone.now() - lasts).delete()
