"""What is noted of each run of a periodic task: numbers for Prometheus, and a line in the log."""

import time
from typing import Any

import structlog
from celery.signals import task_failure, task_postrun, task_prerun

from hub import metrics

log = structlog.get_logger("hub.tasks")

_began: dict[str, float] = {}


def _name_of(task: Any) -> str:
    return str(task.name).rpartition(".")[2]


@task_prerun.connect
def _begin(task_id: str, **_: Any) -> None:
    _began[task_id] = time.perf_counter()


@task_postrun.connect
def _end(task_id: str, task: Any, retval: Any, state: str | None, **_: Any) -> None:
    seconds = time.perf_counter() - _began.pop(task_id, time.perf_counter())
    name = _name_of(task)
    metrics.TASK_DURATION.labels(name).observe(seconds)
    if state != "SUCCESS":
        return
    metrics.TASK_SUCCESS.labels(name).set_to_current_time()
    done: dict[str, int] = retval if isinstance(retval, dict) else {}
    for what, number in done.items():
        metrics.TASK_ROWS.labels(name, what).inc(number)
    # What found nothing to do, every few seconds, is no news.
    write = log.info if any(done.values()) else log.debug
    write("task", task=name, task_id=task_id, duration_ms=round(seconds * 1000, 1), **done)


@task_failure.connect
def _fail(task_id: str, sender: Any, exception: BaseException, **_: Any) -> None:
    metrics.TASK_FAILURES.labels(_name_of(sender)).inc()
    log.error("task failed", task=_name_of(sender), task_id=task_id, error=repr(exception))
