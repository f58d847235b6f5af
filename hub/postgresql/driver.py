"""psycopg as Django's backend takes it (PEP 249), with connections that do not wait for ever.

A server that is stopped, or whose disk hangs, keeps a connection open and silent, and no setting of its own
ends that.
"""

from typing import TypeVar

import psycopg
from psycopg import *  # noqa: F403  all that PEP 249 wants of a module
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout
from psycopg.rows import TupleRow

RV = TypeVar("RV")
LOOK_SECONDS = 0.1

_limit_seconds: float | None = None


def limit_statements(seconds: float) -> None:
    """Give each statement of this process so long; for those that serve requests."""
    global _limit_seconds
    _limit_seconds = seconds


class PatientConnection(psycopg.Connection[TupleRow]):
    """A connection that gives up on a silent server. What became of the statement is then not known."""

    def wait(self, gen: PQGen[RV], interval: float = LOOK_SECONDS, timeout: float | None = None) -> RV:
        """Wait for what `gen` waits for; raises OperationalError after the time that statements have."""
        limit = timeout if timeout is not None else _limit_seconds
        try:
            return super().wait(gen, interval, limit)
        except _WaitTimeout:
            if timeout is None:
                self.pgconn.finish()
                raise psycopg.OperationalError(f"no answer from the database for {limit} s") from None
            raise


connect = PatientConnection.connect  # type: ignore[assignment]
