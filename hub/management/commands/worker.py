"""`manage.py worker`: one process of a hosted hub that does the periodic work."""

from argparse import ArgumentParser
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand

TASKS_AT_ONCE = 4
# What workers tell each other, of which nothing here makes use.
SILENT = ("--without-gossip", "--without-mingle", "--without-heartbeat")


class Command(BaseCommand):
    """Run Celery's worker in threads: its work waits for the database, and its numbers are one process's."""

    help = "Do the periodic work that beat hands out; as many of these may run as there is work for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--concurrency", default=TASKS_AT_ONCE, type=int, help="tasks at once")

    def handle(self, *args: Any, **options: Any) -> None:
        arguments = ("--pool=threads", f"--concurrency={options['concurrency']}", "--loglevel=WARNING")
        current_app.start(["--quiet", "worker", *arguments, *SILENT])
