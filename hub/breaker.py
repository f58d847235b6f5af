"""A breaker for a server that the hub calls: while it does not answer, few wait for it to find that out."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Breaker:
    """Calls a server, and whatever stands in for it while it does not answer.

    Args:
        what: the server's name, for the log.
        errors: what tells that it does not answer.
        retry_seconds: after this long without an answer, one caller tries again.
    """

    def __init__(self, what: str, errors: type[Exception], *, retry_seconds: float) -> None:
        self._what = what
        self._errors = errors
        self._retry_seconds = retry_seconds
        self._lock = threading.Lock()
        self._next_try: float | None = None  # None while it answers

    def call(self, attempt: Callable[[], T], instead: Callable[[], T]) -> T:
        """Return what `attempt` returns, or `instead`; one caller at a time finds out whether it is back."""
        if not self._may_try():
            return instead()
        try:
            result = attempt()
        except self._errors as error:
            self._note_failure(error)
            return instead()
        if self._next_try is not None:
            with self._lock:
                self._next_try = None
            log.info(f"{self._what} answers again")
        return result

    def _may_try(self) -> bool:
        if self._next_try is None:
            return True
        with self._lock:
            if self._next_try is not None and time.monotonic() < self._next_try:
                return False
            self._next_try = time.monotonic() + self._retry_seconds  # the others wait for what this one finds
            return True

    def _note_failure(self, error: Exception) -> None:
        with self._lock:
            is_news = self._next_try is None
            self._next_try = time.monotonic() + self._retry_seconds
        if is_news:
            log.warning(f"{self._what} does not answer", error=repr(error))
