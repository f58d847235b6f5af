"""What every response of the hub has: a request id, and under /api/ CORS headers and how limits stand."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from accounts.address import client_address
from hub.api.cors import cors_headers, preflight_headers
from hub.api.limits import address_headers
from hub.api.problems import API_PREFIX, WELL_KNOWN_PREFIX
from hub.api.request_id import HEADER, request_id_from

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class ApiMiddleware:
    """Gives a request its id, answers CORS preflights, and puts both into the response."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = request_id_from(request.headers.get(HEADER))
        request.request_id = request_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._preflight(request) or self.get_response(request)
        response[HEADER] = request_id
        if request.path_info.startswith((API_PREFIX, WELL_KNOWN_PREFIX)):
            for name, value in cors_headers(request.headers.get("Origin")).items():
                response[name] = value
            if "RateLimit" not in response.headers:
                for name, value in address_headers(client_address(request.META.get("REMOTE_ADDR"))).items():
                    response[name] = value
        return response

    def _preflight(self, request: HttpRequest) -> HttpResponse | None:
        if not request.path_info.startswith(API_PREFIX):
            return None
        allowed = preflight_headers(request.method, request.headers)
        return None if allowed is None else HttpResponse(status=204, headers=allowed)
