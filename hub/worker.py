"""A worker's own address: `/livez`, `/readyz` and `/metrics` on HUB_WORKER_PORT, as every other process has.

The numbers are those of one process: run the worker with `--pool threads`.
"""

import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from celery.signals import worker_ready
from django.conf import settings
from django.core import signals
from django.core.handlers.wsgi import WSGIRequest

from hub.api.exchange import Exchange
from hub.api.handler import Handler
from hub.api.paths import Kind


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Write no line for what asks every few seconds."""


@worker_ready.connect
def serve(**_: Any) -> None:
    """Answer in a thread for as long as the process runs, if there is a port for it."""
    if not settings.HUB_WORKER_PORT:
        return
    server = make_server(settings.HUB_HOST, settings.HUB_WORKER_PORT, probes(), handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="operations", daemon=True).start()


def probes() -> Callable[..., Iterable[bytes]]:
    """Return a WSGI application (PEP 3333) that answers the probes and nothing else."""
    handler = Handler()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = WSGIRequest(environ)
        exchange = Exchange.of_request(request)
        if exchange.kind is not Kind.PROBE:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"This is a worker.\n"]
        signals.request_started.send(sender=application, environ=environ)
        response = handler.answer(request, exchange)
        status = HTTPStatus(response.status_code)
        start_response(f"{status.value} {status.phrase}", list(response.items()))
        content = b"".join(response)
        response.close()
        return [content]

    return application
