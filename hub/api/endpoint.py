"""Endpoints: an operation of the API, declared once.

The declaration is what the viewset decodes and answers by, and what the published schema is made of.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from hub.api.decode import decode_body, decode_query
from hub.api.media_types import JSON
from hub.idempotency import rules as idempotency
from hub.sessions.acting import Caller, acting_session
from hub.wire import compact

# What any authenticated operation may answer with.
COMMON_REFUSALS = (
    "invalid_request",
    "ambiguous_credentials",
    "invalid_credentials",
    "key_expired",
    "key_revoked",
    "scope_missing",
    "realm_suspended",
    "rate_limited",
    "not_acceptable",
    "head_too_large",
    "internal_error",
    "unavailable",
)
BODY_REFUSALS = (
    "invalid_json",
    "request_timeout",
    "body_too_large",
    "unsupported_media_type",
    "too_many_large_bodies",
)
LIST_REFUSALS = ("too_many_unread_answers",)
PUBLIC_REFUSALS = ("invalid_request", "not_acceptable", "head_too_large", "internal_error")
POST_REFUSALS = ("idempotency_in_progress", "idempotency_key_reused")
ACTING_REFUSALS = ("session_required", "session_not_owned")


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """No query parameters."""


@dataclass(frozen=True, slots=True)
class Example:
    """An example of an operation in the published schema."""

    body: Any = None
    answer: Any = None


@dataclass(frozen=True, slots=True)
class Link:
    """What to do next with an answer (OpenAPI 3.1 §4.8.20).

    Attributes:
        to: the operationId that takes it on.
        parameters: of that operation, each a runtime expression such as `$response.body#/id`.
    """

    to: str
    description: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An operation.

    Attributes:
        body: the struct of its body; None if it takes none.
        body_optional: an empty body stands for the struct's defaults.
        answer: the struct of its answer, or None for an answer that is no JSON of ours.
        acts: it is done by an acting session, which X-AISP-Session may name.
        may_act: X-AISP-Session may name the session that it is done by, but none is needed.
        links: what an answer of it leads to.
        lists: its answer is a page, which is bounded in bytes.
        paged: its answer may have a `next` link.
        at_once: called with the viewset, an attempt and the inputs: does it and keeps its answer in one go,
            or does nothing and returns None.
        check_right: called with the caller and the inputs before a kept answer is given again: refuses who
            may not do it any more. Where it is done by an acting session, that is checked without it.
        refuses: codes that it may answer with, besides the common ones.
    """

    name: str
    summary: str
    description: str
    answer: type[msgspec.Struct] | None
    body: type[msgspec.Struct] | None = None
    body_optional: bool = False
    query: type[msgspec.Struct] = NoQuery
    acts: bool = False
    may_act: bool = False
    lists: bool = False
    paged: bool = False
    public: bool = False
    at_once: Callable[..., bytes | None] | None = None
    check_right: Callable[..., object] | None = None
    refuses: tuple[str, ...] = ()
    example: Example = field(default_factory=Example)
    links: tuple[Link, ...] = ()

    def once(
        self,
        view: Any,
        attempt: idempotency.Attempt,
        inputs: dict[str, Any],
        answer: Callable[[], bytes],
    ) -> tuple[bytes, bool]:
        """Return the answer of an attempt, and whether it was kept from an earlier one.

        Args:
            answer: makes it.
        """
        content = self.at_once(view, attempt, **inputs) if self.at_once is not None else None
        if content is not None:
            return content, False
        return idempotency.once(attempt, answer, lambda: self._check_right(view.caller, inputs))

    def _check_right(self, caller: Caller, inputs: dict[str, Any]) -> None:
        if self.check_right is not None:
            self.check_right(caller, **inputs)
        elif self.acts:
            acting_session(caller)

    def all_refusals(self, method: str) -> list[str]:
        """Return every code that the operation may answer with, which has this HTTP method."""
        codes = [*(PUBLIC_REFUSALS if self.public else COMMON_REFUSALS)]
        codes += POST_REFUSALS if method.upper() == "POST" else ()
        codes += BODY_REFUSALS if self.body else ()
        codes += LIST_REFUSALS if self.lists else ()
        codes += ACTING_REFUSALS if self.acts else ()
        return list(dict.fromkeys([*codes, *self.refuses]))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with headers of its own."""

    value: msgspec.Struct
    headers: dict[str, str]


def endpoint(summary: str, **declared: Any) -> Callable[[Callable[..., Any]], Callable[..., HttpResponse]]:
    """Declare a method of a viewset as an operation.

    The method gets the caller, the ids of its path, and, if declared, the decoded `body` and `query`; it
    returns the struct of its answer, an `Answer`, or a response of its own.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., HttpResponse]:
        operation = Endpoint(
            name=method.__name__, summary=summary, description=inspect.getdoc(method) or "", **declared
        )

        @wraps(method)
        def handler(view: Any, request: Request, **ids: str) -> HttpResponse:
            inputs: dict[str, Any] = dict(ids)
            query = decode_query(request._request.GET, operation.query)
            if operation.query is not NoQuery:
                inputs["query"] = query
            if operation.body is not None:
                inputs["body"] = _body(view, operation)
            if request.method == "POST" and (attempt := _attempt(view, inputs)):
                content, replayed = operation.once(
                    view, attempt, inputs, lambda: compact(method(view, view.caller, **inputs))
                )
                headers = {idempotency.REPLAYED: "true"} if replayed else {}
                return HttpResponse(content, content_type=JSON, headers=headers)
            answer = method(view, view.caller, **inputs)
            if isinstance(answer, HttpResponse):
                return answer
            if isinstance(answer, Answer):
                return HttpResponse(compact(answer.value), content_type=JSON, headers=answer.headers)
            return HttpResponse(compact(answer), content_type=JSON)

        handler.endpoint = operation  # type: ignore[attr-defined]
        return handler

    return decorate


def _attempt(view: Any, inputs: dict[str, Any]) -> idempotency.Attempt | None:
    exchange = view.exchange
    name = exchange.headers.get(idempotency.HEADER.lower())
    sender = getattr(inputs.get("body"), "from_", None)  # an envelope names its session itself
    return idempotency.attempt_of(view.caller, name, exchange.path, exchange.body, session=sender)


def _body(view: Any, operation: Endpoint) -> msgspec.Struct:
    assert operation.body is not None
    content = view.exchange.body
    if not content and operation.body_optional:
        return operation.body()
    view.written = view.exchange.json()
    return decode_body(view.written, operation.body)
