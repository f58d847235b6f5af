"""What each page of a signed-in person goes through."""

import time
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import User

SEEN_GRAIN_SECONDS = 600
SEEN_AT = "seen_at"

GetResponse = Callable[[HttpRequest], HttpResponse]


def _signed_in(request: HttpRequest) -> User | None:
    """Return who is signed in; without asking the database, and without Vary, if there is no cookie."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
        return None
    assert isinstance(request.user, User)
    return request.user


class PrivatePagesMiddleware:
    """Lets nobody keep a page of a browser that has a session: not the browser, and no cache on the way."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        name = settings.SESSION_COOKIE_NAME
        if name in request.COOKIES or name in response.cookies:
            response.headers["Cache-Control"] = "no-store"
        return response


class SeenSessionsMiddleware:
    """Notes that a session is in use, which makes it last longer; at most once in `SEEN_GRAIN_SECONDS`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        now = int(time.time())
        if _signed_in(request) and now - request.session.get(SEEN_AT, 0) >= SEEN_GRAIN_SECONDS:
            request.session[SEEN_AT] = now
            UserSession.objects.create_from_request(request)
        return self.get_response(request)


class OwnPasswordMiddleware:
    """Leads who has a password that somebody else made to the page where they choose their own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = _signed_in(request)
        if user is not None and user.must_change_password:
            change = reverse("account_change_password")
            if request.path_info not in (change, reverse("account_logout")):
                query = {"next": request.get_full_path()} if request.method == "GET" else None
                return redirect(reverse("account_change_password", query=query))
        return self.get_response(request)
