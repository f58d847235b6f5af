"""Browsers in which somebody signed in before: their wrong passwords count apart from those of strangers.

Else whoever knows an address could keep its owner out, by sending wrong passwords for it.
"""

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

COOKIE = "known_browser"
COOKIE_AGE = 365 * 86_400  # seconds
PEOPLE_AT_MOST = 10  # who signed in last in one browser
SALT = "accounts.known_browsers"


def remember(response: HttpResponse, request: HttpRequest, email: str) -> None:
    """Have the browser show from now on that somebody with this address signed in with it."""
    name, people = _read(request)
    person = _digest(email)
    people = [person, *(other for other in people if other != person)][:PEOPLE_AT_MOST]
    response.set_cookie(
        COOKIE,
        signing.dumps([name or secrets.token_hex(8), people], salt=SALT),
        max_age=COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def known_browser(request: HttpRequest, email: str) -> str | None:
    """Return the name of the browser, if somebody with this address signed in with it before."""
    name, people = _read(request)
    return name if _digest(email) in people else None


def _read(request: HttpRequest) -> tuple[str | None, list[str]]:
    try:
        said: Any = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=COOKIE_AGE)
    except signing.BadSignature:
        return None, []
    name, people = said
    return name, people


def _digest(email: str) -> str:
    return salted_hmac(SALT, email.lower(), algorithm="sha256").hexdigest()[:32]
