"""Refusals on the wire: `application/problem+json` (RFC 9457), whose `type` points to a page of the docs."""

from typing import Any

import msgspec
import structlog
from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.db import InterfaceError, OperationalError

from realms.refusal import Refusal

PROBLEM_JSON = "application/problem+json"
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


def refusal_of(error: Exception) -> Refusal:
    """Return the refusal that answers a request which ended in `error`; a fault of the hub is logged."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, TooManyFieldsSent):
        return Refusal("invalid_request", "There are too many query parameters.")
    if isinstance(error, (OperationalError, InterfaceError)):
        log.error("database unavailable", error=repr(error))
        return Refusal("unavailable", headers={"Retry-After": str(RETRY_SECONDS)})
    log.error("internal error", exc_info=error)
    return Refusal("internal_error")
