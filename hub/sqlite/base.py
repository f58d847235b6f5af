"""The backend that `ENGINE = "hub.sqlite"` names."""

import threading
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

WAIT_SECONDS = 20.0  # as long as SQLite itself waits for another process

writing = threading.Lock()  # who has the turn


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, whose transactions follow each other without SQLite's own waiting.

    SQLite lets one connection write, and the others look again after longer and longer pauses: who came last
    is served first, and somebody waits for half a second beside a lock that is mostly free.
    """

    _holds = False

    def _start_transaction_under_autocommit(self) -> None:
        if not writing.acquire(timeout=WAIT_SECONDS):
            raise OperationalError("database is locked")
        self._holds = True
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._let_go()
            raise

    def _commit(self) -> Any:
        result = super()._commit()  # type: ignore[misc]
        self._let_go()  # not where it fails: then it is rolled back
        return result

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]
        finally:
            self._let_go()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if self._holds:
            self._holds = False
            writing.release()
