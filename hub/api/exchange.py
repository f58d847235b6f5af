"""The exchange: one request and its answer, from the first header to the line in the log.

Every part that answers a request (the server's connection, the intake, a consumer, a viewset or a page) has
the request's exchange. The headers of an answer are composed here, a refusal becomes an answer here, and a
request is counted from here.
"""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, Self

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.address import client_address, network_of
from hub.activity.rules import REFUSED, note
from hub.api import observed
from hub.api.client_watch import ClientWatch
from hub.api.cors import cors_headers, preflight_headers
from hub.api.limits import address_headers
from hub.api.media_types import refuse_unless_json
from hub.api.paths import Kind, kind_of
from hub.api.problems import problem_body, problem_headers, refusal_of
from hub.api.strict_json import strict_json
from hub.api.unread_answers import UnreadAnswer
from hub.json_apart import run_apart
from hub.sessions.acting import Caller

REQUEST_ID = "X-Request-ID"
HARMLESS_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
QUICK_BYTES = 320 * 1024  # of JSON, which take 20 ms at most; a message has fewer
CLIENT_LEFT = 499  # nginx's status for a request whose client did not wait; never sent


class Headers(Protocol):
    """An answer's headers: a dict, or Django's, which ignore case."""

    def __contains__(self, name: object, /) -> bool: ...

    def setdefault(self, name: str, value: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Problem:
    """The answer that a refused request gets."""

    status: int
    headers: dict[str, str]
    content: bytes


@dataclass(slots=True, eq=False)
class Exchange:
    """A request, as far as it is known by now, and what its answer has to say.

    Attributes:
        path: the decoded path.
        headers: the request's, with names in lower case.
        address: the client's, in canonical form; "" if unknown.
        is_secure: whether the client used TLS.
        body: the whole body.
        client: tells whether the client has left; None where nobody can leave.
        caller: who sent the request, as soon as its credential is accepted.
        limit_headers: how the caller's limits stand, as soon as they are known.
        route: the pattern of the path, as the URL table has it.
        session_id: the acting session, where the credential does not name it.
        status: the answer's; `CLIENT_LEFT` until there is an answer.
        code: the code of the problem, if the answer is one.
        more: further members of the line in the log.
        at_body_end: called once when nobody needs the body any more, on the loop.
        answer: what counts the bytes of the answer; None for a short one.
        request_id: what answer, log and audit carry: the client's own id if it is harmless, else a new one.
        kind: the part of the hub that the path belongs to.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    address: str
    is_secure: bool = False
    body: bytes = b""
    client: ClientWatch | None = None
    caller: Caller | None = None
    limit_headers: Mapping[str, str] = field(default_factory=dict)
    route: str = observed.OTHER
    session_id: str | None = None
    status: int = CLIENT_LEFT
    code: str | None = None
    more: dict[str, object] = field(default_factory=dict)
    at_body_end: list[Callable[[], None]] = field(default_factory=list)
    answer: UnreadAnswer | None = None
    request_id: str = field(init=False)
    kind: Kind = field(init=False)
    _origin: str | None = field(init=False)
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        given = self.headers.get(REQUEST_ID.lower(), "")
        self.request_id = given if HARMLESS_ID.fullmatch(given) else secrets.token_hex(16)
        self.kind = kind_of(self.path)
        self._origin = self.headers.get("origin")
        self._began = time.perf_counter()

    @classmethod
    def of_scope(cls, scope: Mapping[str, Any]) -> Self:
        """Return the exchange of a request that an ASGI server has."""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:  # names in lower case (ASGI HTTP specification 2.3)
            key, text = name.decode("latin-1"), value.decode("latin-1")
            headers[key] = f"{headers[key]},{text}" if key in headers else text  # RFC 9110 §5.3
        client = scope.get("client")
        return cls(
            scope["method"],
            scope["path"],
            headers,
            client_address(client[0]) if client else "",
            is_secure=scope.get("scheme") == "https",
        )

    @classmethod
    def of_request(cls, request: HttpRequest) -> Self:
        """Return the exchange of a request that Django has already read, such as its test client's."""
        return cls(
            str(request.method),
            request.path_info,
            {name.lower(): value for name, value in request.headers.items()},
            client_address(request.META.get("REMOTE_ADDR")),
            is_secure=request.is_secure(),
        )

    @property
    def client_left(self) -> bool:
        """Whether the client has left, as far as somebody watched."""
        return self.client is not None and self.client.has_left

    def watch_client(self) -> None:
        """Notice from now on whether the client leaves; callable from any thread."""
        if self.client is not None:
            self.client.begin()

    @property
    def owner(self) -> str:
        """Whose room and turns the request takes: its key's; before, its credential's or its address's."""
        if self.caller is not None:
            return self.caller.key.key_id
        credential = self.headers.get("x-aisp-key") or self.headers.get("authorization")
        return credential or network_of(self.address)

    def page_bytes(self) -> int:
        """Return how many bytes the page may have that the answer is; as `UnreadAnswer.begin_page` does."""
        self.answer = UnreadAnswer(self.owner)
        return self.answer.begin_page()

    def end_page(self) -> None:
        """Tell that the page is made or refused."""
        if self.answer is not None:
            self.answer.end_page()

    def forget_answer(self) -> None:
        """Count the answer's bytes no more, once the server has sent it."""
        if self.answer is not None:
            self.answer.release()

    def forget_body(self) -> None:
        """Free the body, once the work on it is done."""
        self.body = b""
        while self.at_body_end:
            self.at_body_end.pop()()

    def forget_headers(self) -> None:
        """Free the request's headers, once nobody will read them: a stream's exchange lives for hours."""
        self.headers = {}

    def json(self) -> bytes:
        """Return the JSON body as strict and compact text; a large one is read in another process.

        Raises:
            Refusal: `unsupported_media_type`, `invalid_json`.
        """
        if self.body:
            refuse_unless_json(self.headers.get("content-type"), self.headers.get("content-encoding"))
        return strict_json(self.body) if len(self.body) <= QUICK_BYTES else run_apart(strict_json, self.body)

    def preflight(self) -> dict[str, str] | None:
        """Return the headers that answer a CORS preflight; None if the request is no allowed preflight."""
        return preflight_headers(self.method, self.headers) if self.kind is Kind.API else None

    def problem(self, error: Exception) -> Problem:
        """Return the answer for a request that ended in `error`, and count it for the caller's realm."""
        refusal = refusal_of(error)
        self.code = refusal.code
        if self.caller is not None:  # `admit` counts what it refuses itself
            note(self.caller.realm_id, REFUSED + refusal.code)
        content = problem_body(refusal, self.request_id)
        return Problem(refusal.status, problem_headers(refusal), content)

    def needs_lookup(self, headers: Headers) -> bool:
        """Tell whether `complete` has to ask Redis how the address's limits stand."""
        return self.kind is Kind.API and not self.limit_headers and "RateLimit" not in headers

    def complete(self, headers: Headers) -> None:
        """Add the headers that every answer has to an answer's own, which take precedence."""
        every: dict[str, str] = {REQUEST_ID: self.request_id, **_security_headers(self.is_secure)}
        if self.kind is Kind.API:
            every["Cache-Control"] = "no-store"  # an answer belongs to one caller
            every.update(cors_headers(self._origin))
            if self.needs_lookup(headers):
                self.limit_headers = address_headers(self.address)
            every.update(self.limit_headers)
        for name, value in every.items():
            headers.setdefault(name, value)

    def open(self, **more: object) -> None:
        """Write the line that says that a stream has begun."""
        observed.note_opened(self, **more)

    def end(self, status: int, *, is_stream: bool = False) -> None:
        """Count the request, and write its line, now that it is answered."""
        self.status = status
        if self.kind is not Kind.PROBE:
            observed.note_ended(self, time.perf_counter() - self._began, is_stream=is_stream)


class ProblemResponse(HttpResponse):
    """A problem as Django's response."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.content, status=problem.status, headers=problem.headers)


def exchange_of(request: HttpRequest) -> Exchange:
    """Return the exchange of a request that the handler has given to a view."""
    exchange: Exchange = request.exchange  # type: ignore[attr-defined]
    return exchange


@cache
def _security_headers(is_secure: bool) -> dict[str, str]:
    """Return what Django's SecurityMiddleware sends with pages."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
        "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
    }
    if is_secure and settings.SECURE_HSTS_SECONDS:
        parts = [f"max-age={settings.SECURE_HSTS_SECONDS}"]
        parts += ["includeSubDomains"] if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else []
        parts += ["preload"] if settings.SECURE_HSTS_PRELOAD else []
        headers["Strict-Transport-Security"] = "; ".join(parts)
    return headers
