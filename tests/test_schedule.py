"""The schedule: all periodic work is due now and then, and what is late does not pile up."""

from celery import current_app

from config.celery import SCHEDULE, app
from hub import tasks


def test_each_task_is_due_now_and_then() -> None:
    current_app.loader.import_default_modules()
    registered = {name for name in app.tasks if name.startswith(tasks.__name__)}

    assert {entry["task"] for entry in app.conf.beat_schedule.values()} == registered


def test_what_no_worker_took_in_time_is_left_to_the_next_run() -> None:
    for entry in app.conf.beat_schedule.values():
        assert entry["options"]["expires"] == entry["schedule"]


def test_beat_keeps_nothing_on_disk() -> None:
    assert app.conf.beat_scheduler == "celery.beat:Scheduler"
    assert SCHEDULE["expire_grants"] == 5
