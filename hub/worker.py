"""A worker's own address: `/livez`, `/readyz` and `/metrics` on HUB_WORKER_PORT, as every other process has.

The numbers are those of one process: run the worker with `--pool threads`.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from celery.signals import worker_ready
from django.conf import settings
from django.core.wsgi import get_wsgi_application

PATHS = frozenset({"/livez", "/readyz", "/metrics"})

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Write no line for what asks every few seconds."""


@worker_ready.connect
def serve(**_: Any) -> None:
    """Answer in a thread for as long as the process runs, if there is a port for it."""
    if not settings.HUB_WORKER_PORT:
        return
    application = get_wsgi_application()

    def operations(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") not in PATHS:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"This is a worker.\n"]
        return application(environ, start_response)

    server = make_server(settings.HUB_HOST, settings.HUB_WORKER_PORT, operations, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="operations", daemon=True).start()
