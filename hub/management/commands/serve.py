"""`manage.py serve`: one process of a hosted hub that answers requests and holds streams."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from hub.live.server import serve


class Command(BaseCommand):
    """Serve API, streams, admin and docs; migrations and periodic work are other commands' business."""

    help = "Serve API, streams, admin and docs in this process, on a migrated database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HUB_HOST, help="address to listen on (HOST)")
        parser.add_argument("--port", default=settings.HUB_PORT, type=int, help="port (PORT)")

    def handle(self, *args: Any, **options: Any) -> None:
        serve(options["host"], options["port"])
