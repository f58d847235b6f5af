"""Periodic work in batches: a short transaction after the other, with room between them for requests."""

import time
from collections.abc import Callable

# What is left then is for the next time; in the embedded mode the other periodic work waits meanwhile.
TASK_SECONDS = 15.0


def work_off(batch: Callable[[], int], *, seconds: float = TASK_SECONDS) -> int:
    """Repeat `batch`, which returns how much it did, until there is nothing left or time is up.

    It rests for as long as each batch took, so that half of the time what it locks and what it loads is
    free for requests.

    Returns:
        How much was done in all.
    """
    ends = time.monotonic() + seconds
    done = 0
    began = time.monotonic()
    while count := batch():
        done += count
        now = time.monotonic()
        if now >= ends:
            break
        time.sleep(now - began)
        began = time.monotonic()
    return done
