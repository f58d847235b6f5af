"""`manage.py web`: one process of a hosted hub that answers requests, and holds no streams."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

HEAD_SECONDS = 10
ANSWER_SECONDS = 10  # after SIGTERM, for requests that run
BACKLOG = 1024
IDLE_SECONDS = 600  # the longest that granian takes; a thread that ends takes its database connection with it


class Command(BaseCommand):
    """Serve by granian, whose loop is not Python's: half as much again as `serve` on the same core."""

    help = (
        "Serve API, console, admin and docs in this process, all but what stays open: a proxy sends streams, "
        "pings and the console's feed to `serve`."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HUB_HOST, help="address to listen on (HOST)")
        parser.add_argument("--port", default=settings.HUB_PORT, type=int, help="port (PORT)")

    def handle(self, *args: Any, **options: Any) -> None:
        Server(
            "config.web_role:application",
            address=options["host"],
            port=options["port"],
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            # A connection that is kept could end just as the proxy sends a request on it, and nobody would
            # know whether that was done.
            http1_settings=HTTP1Settings(keep_alive=False, header_read_timeout=HEAD_SECONDS * 1000),
            websockets=False,
            backlog=BACKLOG,
            blocking_threads=settings.HUB_REQUEST_THREADS,
            blocking_threads_idle_timeout=IDLE_SECONDS,
            respawn_failed_workers=True,
            workers_kill_timeout=ANSWER_SECONDS,
            log_level=LogLevels.warning,
        ).serve()
