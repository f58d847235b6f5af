"""The backend that `ENGINE = "hub.postgresql"` names."""

from functools import cache
from typing import Any, NoReturn

from django.db.backends.postgresql import base
from psycopg import OperationalError

from hub.breaker import Breaker
from hub.postgresql import driver

RETRY_SECONDS = 0.5


@cache
def breaker_of(alias: str) -> Breaker:
    """Return the breaker of a database."""
    return Breaker(f"database {alias}", OperationalError, retry_seconds=RETRY_SECONDS)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, which asks a database that does not answer once in a while, not for each request."""

    Database = driver

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; raises at once while the database is known not to answer."""
        return breaker_of(self.alias).call(lambda: self._connect(conn_params), _refuse)

    def _connect(self, conn_params: dict[str, Any]) -> Any:
        return super().get_new_connection(conn_params)


def _refuse() -> NoReturn:
    raise OperationalError("the database does not answer")
