"""Queries of the ORM whose SQL is written once, and not for each request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from realms.ids import new_id, uuid_of

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class _Open:
    """A place in a query for a value that each call gives, and how that gets there."""

    argument: str
    prepare: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class _Compiled(Generic[M]):
    """A query's SQL, and what of the ORM makes rows of what it finds."""

    model: type[M]
    compiler: SQLCompiler
    sql: str
    parameters: list[Any]
    fields: list[str]

    def rows(self, found: list[Sequence[Any]]) -> list[M]:
        """Return the rows as the ORM would, with its annotations."""
        last = len(self.fields)
        rows = []
        for values in self.compiler.results_iter([found]):
            row = self.model.from_db(DEFAULT_DB_ALIAS, self.fields, values[:last])
            for name, place in self.compiler.annotation_col_map.items():
                setattr(row, name, values[place])
            rows.append(row)
        return rows


class PreparedQuery(Generic[M]):
    """A query for rows of one model, by ids and other texts.

    To write the SQL of a small query takes the ORM several times as long as to run it.
    """

    def __init__(
        self, build: Callable[..., QuerySet[M]], *, ids: dict[str, str], texts: tuple[str, ...] = ()
    ) -> None:
        """Prepare what `build` makes of its arguments.

        Args:
            build: returns a queryset of whole rows, without related ones. Nothing in it may depend on the
                arguments but its parameters, into which they go as they are, or as a database holds an id.
            ids: the arguments that are ids, with the prefix of each.
            texts: the arguments that are other texts.
        """
        self._build = build
        self._ids, self._texts = ids, texts
        self._compiled: dict[str, _Compiled[M]] = {}

    def __call__(self, **values: str) -> list[M]:
        """Return what is found with these values."""
        if (compiled := self._compiled.get(connection.vendor)) is None:
            compiled = self._compiled[connection.vendor] = self._compile()
        given = [
            each.prepare(values[each.argument]) if isinstance(each, _Open) else each
            for each in compiled.parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, given)
            return compiled.rows(cursor.fetchall())

    def _compile(self) -> _Compiled[M]:
        samples = {name: new_id(prefix) for name, prefix in self._ids.items()}
        samples |= {name: new_id("text") for name in self._texts}
        opened: dict[Any, _Open] = {}
        for name in self._ids:
            in_database = uuid_of(samples[name])
            opened[in_database] = _Open(name, uuid_of)
            opened[in_database.hex] = _Open(name, lambda id_: uuid_of(id_).hex)
        for name in self._texts:
            opened[samples[name]] = _Open(name, str)
        queryset = self._build(**samples)
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        fields = [field.attname for field in queryset.model._meta.concrete_fields]
        return _Compiled(
            queryset.model, compiler, sql, [opened.get(each, each) for each in parameters], fields
        )
