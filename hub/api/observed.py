"""What is noted of each request when it has been answered: numbers for Prometheus, and a line in the log."""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from django.conf import settings

from hub import metrics
from hub.sessions.acting import Caller
from realms.ids import SESSION, parse_id
from realms.refusal import Refusal

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"  # a method that nobody knows, a path that names nothing, a request that nobody could read
REFUSED_FROM = 400
# The least status that has a line, by `HUB_LOG_REQUESTS`.
LOGGED_FROM = {"all": 0, "refused": REFUSED_FROM, "none": 1000}

log = structlog.get_logger("hub.requests")

# Called with each request when it has been answered, still in its context.
at_end: list[Callable[["Observed"], None]] = []


@dataclass(slots=True)
class Observed:
    """A request, as far as is known of it.

    Attributes:
        route: the pattern of its path, as the URL table has it.
        code: of the problem that it was answered with.
        caller: who sent it, once that is known.
        session_id: which session acted, where the credential does not say it.
        more: what else its line says.
    """

    method: str
    request_id: str
    route: str = OTHER
    status: int = 0
    code: str | None = None
    caller: Caller | None = None
    session_id: str | None = None
    address: str = ""
    more: dict[str, object] = field(default_factory=dict)

    def end(self, seconds: float, *, is_stream: bool = False) -> None:
        """Note it, with how long it took; of a stream that is no measure of anything."""
        method = self.method if self.method in METHODS else OTHER
        metrics.REQUESTS.labels(method, self.route, self.status).inc()
        if not is_stream:
            metrics.REQUEST_DURATION.labels(method, self.route).observe(seconds)
        if self.code is not None:
            metrics.REFUSALS.labels(self.code).inc()
        for tell in at_end:
            tell(self)
        if self.status >= LOGGED_FROM[settings.HUB_LOG_REQUESTS]:
            log.info(
                "request",
                method=method,
                route=self.route,
                status=self.status,
                duration_ms=round(seconds * 1000, 1),
                address=self.address,
                **self._said_of_caller(),
                **self.more,
            )

    def begin(self, **more: object) -> None:
        """Write a line for what will not end soon."""
        if settings.HUB_LOG_REQUESTS == "all":
            log.info("stream opened", address=self.address, **self._said_of_caller(), **more)

    def _said_of_caller(self) -> dict[str, str]:
        said = {} if self.code is None else {"code": self.code}
        if self.caller is not None:
            said |= {"realm": self.caller.realm_id, "key_id": self.caller.key.key_id}
            if session_id := self.session_id or _session_of(self.caller):
                said["session_id"] = session_id
        return said


def note_unread(refusal: Refusal, *, method: str, request_id: str, address: str, seconds: float) -> None:
    """Note a request that was refused before anybody knew what it is about."""
    observed = Observed(method, request_id, status=refusal.status, code=refusal.code, address=address)
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        observed.end(seconds)


def _session_of(caller: Caller) -> str | None:
    """Return the session that a request names for itself, if it is one by its form."""
    if caller.token is not None:
        return caller.token.session_id
    return parse_id(SESSION, caller.named_session) if caller.named_session else None
