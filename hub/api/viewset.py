"""The viewset of every endpoint: DRF's dispatch, with the hub's credentials, bodies and errors.

DRF's own authentication, negotiation, parsers and renderers are left out: they would take two thirds of
the time of a thin view.
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from hub.api.credentials import admit
from hub.api.exchange import Exchange, ProblemResponse, exchange_of
from hub.api.media_types import JSON, accepts
from hub.api.openapi import HubSchema
from hub.sessions.acting import Caller
from realms.refusal import Refusal


class HubViewSet(ViewSet):
    """A viewset whose methods are declared with `endpoint`."""

    http_method_names = ["get", "post", "delete"]
    media_types: tuple[str, ...] = (JSON,)
    schema = HubSchema()
    caller: Caller
    written: bytes = b""  # the JSON body, for the endpoint that has to verify it

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and leave no circle of references: bodies would stay until the collector comes by."""
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            for method in self.action_map:
                vars(self).pop(method, None)  # bound to this viewset by DRF
            exchange_of(request).end_page()

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Wrap the request without parsers, authenticators and negotiator."""
        self.action = self.action_map.get(str(request.method).lower(), "")
        wrapped = Request(request)
        wrapped.parser_context.clear()  # it holds the request itself, for parsers
        return wrapped

    @property
    def exchange(self) -> Exchange:
        """The exchange of the request."""
        return exchange_of(self.request._request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what no endpoint takes, and find out who calls."""
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(str(request.method))
        exchange = self.exchange
        wanted = exchange.headers.get("accept")
        if not any(accepts(wanted, media_type) for media_type in self.media_types):
            raise Refusal("not_acceptable")
        if not getattr(self, self.action).endpoint.public:
            # The credential of a request with a large body is checked before the work on the body.
            self.caller = exchange.caller or admit(exchange)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Turn whatever went wrong into a problem."""
        if isinstance(exc, MethodNotAllowed):
            allowed = ", ".join(self.allowed_methods)
            exc = Refusal("method_not_allowed", f"Use {allowed}.", headers={"Allow": allowed})
        elif isinstance(exc, Http404):
            exc = Refusal("not_found")
        return ProblemResponse(self.exchange.problem(exc))

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponse, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Return the answer as it is: the exchange completes it."""
        return response
