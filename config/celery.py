"""Celery: when the periodic work of `hub.tasks` is done."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config import env

# Seconds between two runs.
SCHEDULE = {
    "expire_grants": 5.0,
    "sweep_sessions": 30.0,
    "sweep_messages": 30.0,
    "drop_old_messages": 30.0,
    "sweep_tallies": 60.0,
    "sweep_idempotency_records": 300.0,
    "purge_deleted_realms": 300.0,
    "warn_of_key_ends": 3600.0,
    "cut_audit_logs": 3600.0,
    "sweep_invitations": 3600.0,
    "sweep_web_sessions": 3600.0,
}

app = Celery("aisp-hub", broker=env.REDIS_URL or "memory://")
app.conf.update(
    task_ignore_result=True,
    timezone="UTC",
    broker_connection_retry_on_startup=True,
    beat_scheduler="celery.beat:Scheduler",  # keeps nothing on disk: what is late after a start is done soon
    beat_schedule={
        name: {
            "task": f"hub.tasks.{name}",
            "schedule": seconds,
            # What no worker has taken until the next is due would only be done twice.
            "options": {"expires": seconds},
        }
        for name, seconds in SCHEDULE.items()
    },
)
app.autodiscover_tasks()


@worker_init.connect
def _trace(**_: Any) -> None:
    from config.tracing import trace_tasks  # needs the apps, which are there by now

    trace_tasks()
