"""Queries of the ORM whose SQL is written once, and not for each request.

To write the SQL of a small query takes the ORM several times as long as to run it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

from realms.ids import new_id, uuid_of

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class _Open:
    """A place in a statement for a value that each call gives, and how that gets there."""

    argument: str
    prepare: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class _Statement(Generic[M]):
    """SQL as one database takes it, with open places among its parameters."""

    model: type[M]
    compiler: SQLCompiler
    sql: str
    parameters: list[Any]

    def given(self, values: Mapping[str, str]) -> list[Any]:
        """Return its parameters for these values."""
        return [
            each.prepare(values[each.argument]) if isinstance(each, _Open) else each
            for each in self.parameters
        ]


class _Prepared(Generic[M]):
    """What a query and an update have in common."""

    def __init__(
        self, build: Callable[..., QuerySet[M]], *, ids: dict[str, str], texts: tuple[str, ...] = ()
    ) -> None:
        """Prepare what `build` makes of its arguments.

        Args:
            build: returns a queryset. Nothing in it may depend on the arguments but its parameters, into
                which they go as they are, or as a database holds an id.
            ids: the arguments that are ids, with the prefix of each.
            texts: the arguments that are other texts.
        """
        self._build = build
        self._ids, self._texts = ids, texts
        self._statements: dict[str, _Statement[M]] = {}

    def _statement(self) -> _Statement[M]:
        if (statement := self._statements.get(connection.vendor)) is None:
            statement = self._statements[connection.vendor] = self._written()
        return statement

    def _written(self) -> _Statement[M]:
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
        compiler = self._compiler(queryset)
        sql, parameters = compiler.as_sql()
        return _Statement(queryset.model, compiler, sql, [opened.get(each, each) for each in parameters])

    def _compiler(self, queryset: QuerySet[M]) -> SQLCompiler:
        compiler: SQLCompiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        return compiler


class PreparedQuery(_Prepared[M]):
    """A query for whole rows of one model, without related ones, by ids and other texts."""

    def __call__(self, **values: str) -> list[M]:
        """Return what is found with these values, as the ORM would, with its annotations."""
        statement = self._statement()
        compiler, model = statement.compiler, statement.model
        fields = [field.attname for field in model._meta.concrete_fields]
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.given(values))
            found = cursor.fetchall()
        rows = []
        for columns in compiler.results_iter([found]):
            row = model.from_db(DEFAULT_DB_ALIAS, fields, columns[: len(fields)])
            for name, place in compiler.annotation_col_map.items():
                setattr(row, name, columns[place])
            rows.append(row)
        return rows


class PreparedUpdate(_Prepared[M]):
    """An update of rows of one model, found by ids and other texts."""

    def __init__(
        self,
        build: Callable[..., QuerySet[M]],
        changes: Mapping[str, Any],
        *,
        ids: dict[str, str],
        texts: tuple[str, ...] = (),
    ) -> None:
        """Prepare the update of what `build` finds; `changes` as `QuerySet.update` takes them."""
        super().__init__(build, ids=ids, texts=texts)
        self._changes = changes

    def __call__(self, **values: str) -> int:
        """Update the rows that are found with these values and return how many they were."""
        statement = self._statement()
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.given(values))
            count: int = cursor.rowcount
        return count

    def _compiler(self, queryset: QuerySet[M]) -> SQLCompiler:
        query: Any = queryset.query.chain(UpdateQuery)
        query.add_update_values(self._changes)
        compiler: SQLCompiler = query.get_compiler(DEFAULT_DB_ALIAS)
        return compiler
