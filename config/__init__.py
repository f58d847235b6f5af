"""The project: settings, entry points, and nothing of the protocol."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
