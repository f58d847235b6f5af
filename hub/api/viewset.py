"""The viewset of every endpoint: DRF's dispatch, with the hub's credentials, bodies and errors.

DRF's own authentication, negotiation, parsers and renderers are left out: they would take two thirds of
the time of a thin view.
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from accounts.address import client_address
from hub.activity.rules import REFUSED, note
from hub.api.credentials import admit
from hub.api.endpoint import JSON
from hub.api.observed import Observed
from hub.api.openapi import HubSchema
from hub.api.problems import ProblemResponse, refusal_of
from hub.api.request_id import request_id_of
from hub.sessions.acting import Caller
from realms.refusal import Refusal


def accepts(header: str | None, media_type: str) -> bool:
    """Tell whether an Accept header (RFC 9110 §12.5.1) admits `media_type`."""
    if header is None or not header.strip():
        return True
    kind = media_type.split("/")[0]
    admitted = {"*/*": False, f"{kind}/*": False, media_type: False}
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name in admitted:
            admitted[name] = not any(_is_zero_weight(parameter) for parameter in parameters)
            if name == media_type:
                return admitted[name]
    return any(admitted.values())


def _is_zero_weight(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and not value.strip().strip("0.")


class HubViewSet(ViewSet):
    """A viewset whose methods are declared with `endpoint`."""

    http_method_names = ["get", "post", "delete"]
    media_types: tuple[str, ...] = (JSON,)
    schema = HubSchema()
    caller: Caller
    limit_headers: dict[str, str] = {}
    content: bytes = b""  # the body as it was sent
    written: Any = None  # the JSON body as it was sent, for the endpoint that has to verify it

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and leave no circle of references: bodies would stay until the collector comes by."""
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            for method in self.action_map:
                vars(self).pop(method, None)  # bound to this viewset by DRF

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Wrap the request without parsers, authenticators and negotiator."""
        self.action = self.action_map.get(str(request.method).lower(), "")
        wrapped = Request(request)
        wrapped.parser_context.clear()  # it holds the request itself, for parsers
        return wrapped

    @property
    def observed(self) -> Observed:
        """What is noted of the request when it has been answered."""
        observed: Observed = self.request._request.observed  # type: ignore[attr-defined]
        return observed

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what no endpoint takes, and find out who calls."""
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(str(request.method))
        headers = request._request.headers
        if not any(accepts(headers.get("Accept"), media_type) for media_type in self.media_types):
            raise Refusal("not_acceptable")
        if getattr(self, self.action).endpoint.public:
            return
        admitted = admit(
            request.method,
            headers,
            request_id=request_id_of(request._request),
            address=client_address(request._request.META.get("REMOTE_ADDR")),
        )
        self.caller, self.limit_headers = admitted.caller, admitted.headers
        self.observed.caller = self.caller

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Turn whatever went wrong into a problem."""
        refusal = self._refusal(exc)
        caller: Caller | None = getattr(self, "caller", None)
        if caller is not None:  # what somebody was not even admitted for is noted where that was decided
            note(caller.realm_id, REFUSED + refusal.code)
        return ProblemResponse(refusal, request_id_of(self.request._request))

    def _refusal(self, error: Exception) -> Refusal:
        if isinstance(error, MethodNotAllowed):
            allowed = ", ".join(self.allowed_methods)
            return Refusal("method_not_allowed", f"Use {allowed}.", headers={"Allow": allowed})
        if isinstance(error, Http404):
            return Refusal("not_found")
        return refusal_of(error)

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponse, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Keep answers out of caches: they belong to one caller, and say how its limits stand."""
        response.headers.setdefault("Cache-Control", "no-store")
        for name, value in self.limit_headers.items():
            response.headers[name] = value
        return response
