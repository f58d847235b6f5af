"""The handler: answers a whole request in a thread with a view, whatever server has read it.

Pages go through Django's middleware. The API and the probes have neither cookie nor session, so they go to
their view at once; their exchange does the rest.
"""

from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from structlog.contextvars import bound_contextvars

from hub import metrics
from hub.api.exchange import Exchange, ProblemResponse
from hub.api.paths import Kind
from realms.refusal import Refusal

URLS = {Kind.API: "hub.urls", Kind.PROBE: "hub.health"}
WITHOUT_CONTENT = (204, 304)


class Handler:
    """Answers requests."""

    def __init__(self) -> None:
        self._pages = BaseHandler()
        self._pages.load_middleware()

    def answer(self, request: HttpRequest, exchange: Exchange) -> HttpResponseBase:
        """Return the answer to a request, complete but for what its server adds."""
        request.exchange = exchange  # type: ignore[attr-defined]
        with bound_contextvars(request_id=exchange.request_id), metrics.THREADS_BUSY.track_inprogress():
            answer = self._page if exchange.kind is Kind.PAGE else self._without_middleware
            response = answer(request, exchange)
            if request.resolver_match is not None:
                exchange.route = request.resolver_match.route
            return self._completed(response, exchange)

    def refuse(self, exchange: Exchange, refusal: Refusal) -> HttpResponseBase:
        """Return the answer to a request that no view gets to see."""
        with bound_contextvars(request_id=exchange.request_id):
            return self._completed(ProblemResponse(exchange.problem(refusal)), exchange)

    def _completed(self, response: HttpResponseBase, exchange: Exchange) -> HttpResponseBase:
        if isinstance(response, HttpResponse) and response.status_code not in WITHOUT_CONTENT:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        exchange.complete(response.headers)
        exchange.end(response.status_code)
        return response

    def _page(self, request: HttpRequest, exchange: Exchange) -> HttpResponseBase:
        try:
            return self._pages.get_response(request)
        except Exception as error:  # of the page of an error itself
            return ProblemResponse(exchange.problem(error))

    def _without_middleware(self, request: HttpRequest, exchange: Exchange) -> HttpResponseBase:
        if (allowed := exchange.preflight()) is not None:
            return HttpResponse(status=204, headers=allowed)
        try:
            match = request.resolver_match = resolve(exchange.path, URLS[exchange.kind])
            response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        except Resolver404:
            return ProblemResponse(exchange.problem(Refusal("not_found")))
        except Exception as error:
            return ProblemResponse(exchange.problem(error))
        return response
