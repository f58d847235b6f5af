"""What every response of the hub has: a request id, and under /api/ CORS headers and how limits stand."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from structlog.contextvars import bound_contextvars

from accounts.address import client_address
from hub import metrics
from hub.api.cors import cors_headers, preflight_headers
from hub.api.limits import address_headers
from hub.api.observed import Observed
from hub.api.problems import API_PREFIX, WELL_KNOWN_PREFIX
from hub.api.request_id import HEADER, request_id_from
from hub.api.wsgi_threads import WITHOUT_CONTENT

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# What machines ask for every few seconds has neither a number nor a line.
UNOBSERVED = frozenset({"/livez", "/readyz", "/metrics"})


class ApiMiddleware:
    """Gives a request its id, answers CORS preflights, puts both into the response, and notes the request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        request_id = request_id_from(request.headers.get(HEADER))
        request.request_id = request_id  # type: ignore[attr-defined]
        address = client_address(request.META.get("REMOTE_ADDR"))
        observed = request.observed = Observed(str(request.method), request_id, address=address)  # type: ignore[attr-defined]
        with bound_contextvars(request_id=request_id), metrics.THREADS_BUSY.track_inprogress():
            response = self._preflight(request) or self.get_response(request)
            self._complete(request, response, address)
            if request.path_info not in UNOBSERVED:
                if request.resolver_match is not None:
                    observed.route = request.resolver_match.route
                observed.status, observed.code = response.status_code, getattr(response, "code", None)
                observed.end(time.perf_counter() - began)
        return response

    def _complete(self, request: HttpRequest, response: HttpResponseBase, address: str) -> None:
        response[HEADER] = request.request_id  # type: ignore[attr-defined]
        if isinstance(response, HttpResponse) and response.status_code not in WITHOUT_CONTENT:
            # What WSGI servers are not told they do not look up: they would send it in chunks.
            response.headers.setdefault("Content-Length", str(len(response.content)))
        if request.path_info.startswith((API_PREFIX, WELL_KNOWN_PREFIX)):
            for name, value in cors_headers(request.headers.get("Origin")).items():
                response[name] = value
            if "RateLimit" not in response.headers:
                for name, value in address_headers(address).items():
                    response[name] = value

    def _preflight(self, request: HttpRequest) -> HttpResponse | None:
        if not request.path_info.startswith(API_PREFIX):
            return None
        allowed = preflight_headers(request.method, request.headers)
        return None if allowed is None else HttpResponse(status=204, headers=allowed)
