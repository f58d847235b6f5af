"""The periodic work without a worker: Celery's own beat in a thread that also runs the tasks."""

import threading
from typing import Any

from celery import Celery, beat
from celery.signals import task_prerun
from django.db import close_old_connections

LONGEST_SLEEP_SECONDS = 5


def run_in_this_process(app: Celery) -> None:
    """Start the schedule of `app` in a daemon thread of this process."""
    app.loader.import_default_modules()
    app.conf.task_always_eager = True
    # The thread lives as long as the process: a database that went away is noticed before each task.
    task_prerun.connect(_check_connections, weak=False)
    service = beat.Service(app, max_interval=LONGEST_SLEEP_SECONDS, scheduler_cls=beat.Scheduler)
    threading.Thread(target=service.start, name="schedule", daemon=True).start()


def _check_connections(**_: Any) -> None:
    close_old_connections()
