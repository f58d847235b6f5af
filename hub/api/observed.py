"""The record of each request: numbers for Prometheus, and a line in the log."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

from hub import metrics
from hub.sessions.acting import Caller
from realms.ids import SESSION, parse_id

if TYPE_CHECKING:
    from hub.api.exchange import Exchange

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"  # an unknown method, a path without a route, a request that could not be read
REFUSED_FROM = 400
# The lowest status that has a line, by `HUB_LOG_REQUESTS`.
LOGGED_FROM = {"all": 0, "refused": REFUSED_FROM, "none": 1000}

log = structlog.get_logger("hub.requests")

# Called with each exchange when its request has been answered, still in its context.
at_end: list[Callable[["Exchange"], None]] = []


def note_ended(exchange: "Exchange", seconds: float, *, is_stream: bool = False) -> None:
    """Count a request that was answered after `seconds`, and write its line.

    A stream's duration is no measure of the hub, and is left out of the histogram.
    """
    method = exchange.method if exchange.method in METHODS else OTHER
    metrics.REQUESTS.labels(method, exchange.route, exchange.status).inc()
    if not is_stream:
        metrics.REQUEST_DURATION.labels(method, exchange.route).observe(seconds)
    if exchange.code is not None:
        metrics.REFUSALS.labels(exchange.code).inc()
    for tell in at_end:
        tell(exchange)
    if exchange.status >= LOGGED_FROM[settings.HUB_LOG_REQUESTS]:
        log.info(
            "request",
            method=method,
            route=exchange.route,
            status=exchange.status,
            duration_ms=round(seconds * 1000, 1),
            address=exchange.address,
            **_caller_of(exchange),
            **exchange.more,
        )


def note_opened(exchange: "Exchange", **more: object) -> None:
    """Write a line for a stream that has begun and will not end soon."""
    if settings.HUB_LOG_REQUESTS == "all":
        log.info("stream opened", address=exchange.address, **_caller_of(exchange), **more)


def _caller_of(exchange: "Exchange") -> dict[str, str]:
    """Return the code of the problem and the ids of who called, as far as they are known."""
    said = {} if exchange.code is None else {"code": exchange.code}
    if exchange.caller is not None:
        said |= {"realm": exchange.caller.realm_id, "key_id": exchange.caller.key.key_id}
        if session_id := exchange.session_id or _session_of(exchange.caller):
            said["session_id"] = session_id
    return said


def _session_of(caller: Caller) -> str | None:
    """Return the session that a request names for itself, if its form is that of a session id."""
    if caller.token is not None:
        return caller.token.session_id
    return parse_id(SESSION, caller.named_session) if caller.named_session else None
