"""A breaker for Redis: while it does not answer, each process helps itself and asks again now and then."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from redis.exceptions import RedisError

RETRY_SECONDS = 2.0
# Of one try, so that a Redis which hangs holds a request for no longer.
TIMEOUT_SECONDS = 0.25

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Breaker:
    """Calls Redis, and whatever stands in for it while it does not answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_try: float | None = None  # None while Redis answers

    def call(self, redis: Callable[[], T], instead: Callable[[], T]) -> T:
        """Return what `redis` returns, or `instead`; one caller at a time finds out whether it is back."""
        if not self._may_try():
            return instead()
        try:
            result = redis()
        except RedisError as error:
            self._note_failure(error)
            return instead()
        if self._next_try is not None:
            with self._lock:
                self._next_try = None
            log.info("redis answers again")
        return result

    def _may_try(self) -> bool:
        if self._next_try is None:
            return True
        with self._lock:
            if self._next_try is not None and time.monotonic() < self._next_try:
                return False
            self._next_try = time.monotonic() + RETRY_SECONDS  # the others wait for what this one finds
            return True

    def _note_failure(self, error: RedisError) -> None:
        with self._lock:
            is_news = self._next_try is None
            self._next_try = time.monotonic() + RETRY_SECONDS
        if is_news:
            log.warning("redis does not answer: limits hold in each process by itself", error=repr(error))


breaker = Breaker()
