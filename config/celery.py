"""Celery: when the periodic work of `hub.tasks` is done."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config import env

app = Celery("aisp-hub", broker=env.REDIS_URL or "memory://")
app.conf.update(
    task_ignore_result=True,
    task_time_limit=300,
    timezone="UTC",
    broker_connection_retry_on_startup=True,
    beat_schedule={
        "expire-grants": {"task": "hub.tasks.expire_grants", "schedule": 5.0},
        "sweep-sessions": {"task": "hub.tasks.sweep_sessions", "schedule": 30.0},
        "sweep-idempotency-records": {"task": "hub.tasks.sweep_idempotency_records", "schedule": 300.0},
        "purge-deleted-realms": {"task": "hub.tasks.purge_deleted_realms", "schedule": 300.0},
        "sweep-messages": {"task": "hub.tasks.sweep_messages", "schedule": 30.0},
        "sweep-web-sessions": {"task": "hub.tasks.sweep_web_sessions", "schedule": 3600.0},
        "sweep-tallies": {"task": "hub.tasks.sweep_tallies", "schedule": 60.0},
    },
)
app.autodiscover_tasks()
