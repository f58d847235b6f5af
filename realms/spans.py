"""Times in queries: the database's clock to be compared with, and spans that realms give as numbers."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, DurationField, F, Func, Value
from django.db.models.functions import Now


class Moment(Now):
    """Now, to be kept in a column that clients compare with.

    SQLite has times as text and its clock gives three digits of a second, where Django writes six: the
    same instant would be less than itself.
    """

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Write six digits, the last three of them zero."""
        template = "STRFTIME('%%%%Y-%%%%m-%%%%d %%%%H:%%%%M:%%%%f000', 'NOW')"
        return self.as_sql(compiler, connection, template=template, **extra)


class Written(Value):
    """A time that was read from a column that `Moment` is kept in, to be compared with that column.

    A whole second would be written without any digits of it on SQLite, and be less than itself.
    """

    def __init__(self, moment: datetime) -> None:
        super().__init__(moment, output_field=DateTimeField())

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Write six digits."""
        return "%s", [f"{self.value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"]


class Span(Func):
    """A number of units of time. Django's own `*` refuses durations on SQLite, where they are integers."""

    arg_joiner = " * "
    template = "(%(expressions)s)"
    arity = 2
    output_field = DurationField()


def span(column: str, unit: timedelta) -> Span:
    """Return the duration of as many units as `column` says, for use in a query."""
    return Span(F(column), Value(unit, output_field=DurationField()))
