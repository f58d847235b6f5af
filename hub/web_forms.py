"""Web forms, guarded: few attempts a minute from one address, right ones too (django-ratelimit)."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django_ratelimit.core import get_usage

from accounts.address import client_address, network_of
from hub.api.limits import MINUTE

ATTEMPTS_PER_MINUTE = 10

View = Callable[[HttpRequest], HttpResponseBase]


def guarded(name: str, view: View) -> View:
    """Return `view`, which answers 429 to an address that has sent its form too often.

    Args:
        name: of the form; each is counted by itself.
    """

    @wraps(view)
    def guard(request: HttpRequest) -> HttpResponseBase:
        usage = get_usage(
            request,
            group=name,
            key=lambda *_: network_of(client_address(request.META.get("REMOTE_ADDR"))),
            rate=(ATTEMPTS_PER_MINUTE, MINUTE),
            method="POST",
            increment=True,
        )
        if usage is not None and usage["should_limit"]:
            return _too_many(request, usage["time_left"] + 1)
        return view(request)

    return guard


def _too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    page = render(request, "hub/too_many_attempts.html", {"seconds": seconds}, status=429)
    page["Retry-After"] = str(seconds)
    return page
