"""The backend that `ENGINE = "hub.postgresql"` names."""

import select
import time
from functools import cache
from typing import Any, NoReturn

from django.db.backends.postgresql import base
from psycopg import Error, OperationalError

from hub.breaker import Breaker
from hub.postgresql import driver

RETRY_SECONDS = 0.5
TRUSTED_SECONDS = 5.0  # so long after it was asked a connection that is silent is taken to work


@cache
def breaker_of(alias: str) -> Breaker:
    """Return the breaker of a database."""
    return Breaker(f"database {alias}", OperationalError, retry_seconds=RETRY_SECONDS)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, which asks a database that does not answer once in a while, not for each request."""

    Database = driver
    _asked_at = 0.0

    def is_usable(self) -> bool:
        """Tell whether the connection works, and ask only one that has not been asked for a while.

        A server that hangs up, or says that it will, makes a connection readable.
        """
        now = time.monotonic()
        if now - self._asked_at < TRUSTED_SECONDS and self._is_silent():
            return True
        if works := self._forget_plans():
            self._asked_at = now
        return works

    def _forget_plans(self) -> bool:
        """Have prepared statements be planned anew, and tell whether the connection still does something.

        A plan is kept until statistics change, which takes PostgreSQL a minute and more: one that was made
        for tables that were empty reads them as a whole when they are not.
        """
        try:
            self.connection.execute("DISCARD PLANS", prepare=False)
        except Error:
            return False
        return True

    def _is_silent(self) -> bool:
        poll = select.poll()
        try:
            poll.register(self.connection.pgconn.socket, select.POLLIN)
        except OperationalError:
            return False  # it is closed
        return not poll.poll(0)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; raises at once while the database is known not to answer."""
        return breaker_of(self.alias).call(lambda: self._connect(conn_params), _refuse)

    def _connect(self, conn_params: dict[str, Any]) -> Any:
        return super().get_new_connection(conn_params)


def _refuse() -> NoReturn:
    raise OperationalError("the database does not answer")
