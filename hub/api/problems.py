"""Refusals on the wire: `application/problem+json` (RFC 9457), whose `type` points to a page of the docs."""

import sys
from typing import Any

import msgspec
import structlog
from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import render
from django.template import loader
from django.views.decorators.csrf import csrf_exempt

from hub.api.request_id import request_id_of
from realms.refusal import Refusal

PROBLEM_JSON = "application/problem+json"
API_PREFIX = "/api/"
WELL_KNOWN_PREFIX = "/.well-known/"  # RFC 8615
RETRY_SECONDS = 2

log = structlog.get_logger(__name__)


def problem_type(code: str) -> str:
    """Return the URL of the page that explains a code."""
    return f"{settings.HUB_ORIGIN}/docs/problems/{code}"


def problem_body(refusal: Refusal, request_id: str) -> bytes:
    """Return the problem object of a refusal (RFC 9457 §3.1)."""
    members: dict[str, Any] = {
        "type": problem_type(refusal.code),
        "title": refusal.problem.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
        "request_id": request_id,
    }
    if refusal.errors:
        members["errors"] = refusal.errors
    return msgspec.json.encode(members | refusal.members)


def problem_headers(refusal: Refusal) -> dict[str, str]:
    """Return the headers that an answer with this refusal has."""
    headers = {"Content-Type": PROBLEM_JSON, "Cache-Control": "no-store", **refusal.headers}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'AISP-Key realm="AISP Hub", Bearer realm="AISP Hub"'
    return headers


class ProblemResponse(HttpResponse):
    """Django's response for a refusal, whose code it knows."""

    def __init__(self, refusal: Refusal, request_id: str) -> None:
        content = problem_body(refusal, request_id)
        super().__init__(content, status=refusal.status, headers=problem_headers(refusal))
        self.code = refusal.code


def refusal_of(error: Exception) -> Refusal:
    """Return what to answer a request with that ended in `error`, and log what is a fault of the hub's."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, TooManyFieldsSent):
        return Refusal("invalid_request", "There are too many query parameters.")
    if isinstance(error, (OperationalError, InterfaceError)):
        log.error("database unavailable", error=repr(error))
        return Refusal("unavailable", headers={"Retry-After": str(RETRY_SECONDS)})
    log.error("internal error", exc_info=error)
    return Refusal("internal_error")


@csrf_exempt  # nothing under /api/ has a cookie to be abused
def api_not_found(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer a path under /api/ that names nothing."""
    return ProblemResponse(Refusal("not_found"), request_id_of(request))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer any path that names nothing: a problem under /api/, else a page."""
    if request.path.startswith(API_PREFIX):
        return api_not_found(request)
    return HttpResponseNotFound(render(request, "hub/not_found.html").content)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that broke outside of the viewsets, in Django's handling of the error."""
    error = sys.exception()
    refusal = refusal_of(error) if isinstance(error, Exception) else Refusal("internal_error")
    if request.path.startswith(API_PREFIX):
        return ProblemResponse(refusal, request_id_of(request))
    said = {
        "refusal": refusal,
        "retry_after": refusal.headers.get("Retry-After"),  # whoever looks at a page does not see headers
        "request_id": request_id_of(request),
    }
    page = loader.render_to_string("hub/server_error.html", said)
    return HttpResponse(page, status=refusal.status, headers=refusal.headers)
