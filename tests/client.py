"""Django's test client on the hub's own handler: what it asks takes the way that a server's requests take."""

from functools import cache
from typing import Any

import django.test
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test.client import ClientHandler

from hub.api.exchange import Exchange, ProblemResponse
from hub.api.handler import Handler
from hub.api.intake import refuse_too_long
from hub.api.paths import Kind
from realms.refusal import Refusal


@cache
def _handler() -> Handler:
    return Handler()


class _FrontHandler(ClientHandler):
    """Reads a request as the intake does, at once, and has the hub's handler answer it."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Load nothing: the hub's handler has its own."""
        self._middleware_chain = self._answer

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Return the hub's answer."""
        return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        exchange = Exchange.of_request(request)
        try:
            refuse_too_long(exchange)
        except Refusal as refusal:
            return ProblemResponse(exchange.problem(refusal))
        if exchange.kind is not Kind.PAGE:
            exchange.body = request.read()
            request.META = {name: value for name, value in request.META.items() if name[:5] != "HTTP_"}
        try:
            return _handler().answer(request, exchange)
        finally:
            exchange.forget_answer()


class Client(django.test.Client):  # noqa: TID251  the one that others are to use
    """A client of the hub in this process."""

    def __init__(self, enforce_csrf_checks: bool = False, **options: Any) -> None:
        super().__init__(enforce_csrf_checks, **options)
        self.handler = _FrontHandler(enforce_csrf_checks)
