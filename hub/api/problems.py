"""Refusals on the wire: `application/problem+json` (RFC 9457), whose `type` points to a page of the docs."""

from typing import Any

import msgspec
import structlog
from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.db import InterfaceError, OperationalError

from realms.refusal import LISTED, Refusal

PROBLEM_JSON = "application/problem+json"
RETRY_SECONDS = 2
PROBLEM_BYTES = 64 * 1024
TEXT_CHARACTERS = 4000  # of any text in a problem

log = structlog.get_logger(__name__)


def problem_type(code: str) -> str:
    """Return the URL of the page that explains a code."""
    return f"{settings.HUB_ORIGIN}/docs/problems/{code}"


def problem_body(refusal: Refusal, request_id: str) -> bytes:
    """Return the problem object of a refusal (RFC 9457 §3.1), in at most `PROBLEM_BYTES`.

    Each of its lists has at most `LISTED` items. The detail says how many more there are.
    """
    items = LISTED
    while len(content := _problem(refusal, request_id, items)) > PROBLEM_BYTES:
        items //= 2  # the texts of a client are long
    return content


def _problem(refusal: Refusal, request_id: str, items: int) -> bytes:
    detail = _cut(refusal.detail)
    if more := max(0, len(refusal.errors) - items) + refusal.more_errors:
        detail += f" The request has {more} more {'errors' if more > 1 else 'error'} than `errors` lists."
    members: dict[str, Any] = {
        "type": problem_type(refusal.code),
        "title": refusal.problem.title,
        "status": refusal.status,
        "detail": detail,
        "code": refusal.code,
        "request_id": request_id,
    }
    if refusal.errors:
        members["errors"] = [
            {name: _cut(text) for name, text in error.items()} for error in refusal.errors[:items]
        ]
    for name, value in refusal.members.items():
        members[name] = _first(value, items)
        if isinstance(value, (list, dict)) and len(value) > items:
            members["detail"] += f" `{name}` has {len(value)} items, of which {items} are listed."
    return msgspec.json.encode(members)


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARACTERS else f"{text[:TEXT_CHARACTERS]}…"


def _first(value: Any, items: int) -> Any:
    """Return a further member of a problem, cut to its first items or characters."""
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, list):
        return value[:items]
    return dict(list(value.items())[:items]) if isinstance(value, dict) else value


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
