"""`manage.py beat`: the process of a hosted hub that says when periodic work is due."""

from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Run Celery's beat. A second one does no harm, only the same work twice as often."""

    help = "Hand out the periodic work to workers; one of these runs in a hub."

    def handle(self, *args: Any, **options: Any) -> None:
        current_app.start(["--quiet", "beat", "--loglevel=WARNING"])
