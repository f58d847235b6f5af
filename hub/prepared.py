"""Queries of the ORM whose SQL is written once, and not for each request."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import RawQuerySet

from realms.ids import new_id, uuid_of

M = TypeVar("M", bound=Model)

# What stands in a compiled query for a value that a call gives, and how that value gets there.
_Slot = tuple[str, Callable[[str], Any]]


class PreparedQuery(Generic[M]):
    """A query by ids and other texts.

    To write the SQL of a small query takes the ORM several times as long as to run it.
    """

    def __init__(
        self, build: Callable[..., QuerySet[M]], *, ids: dict[str, str], texts: tuple[str, ...] = ()
    ):
        """Prepare what `build` makes of its arguments.

        Args:
            build: returns a queryset. Nothing in it may depend on the arguments but its parameters, into
                which they go as they are, or as a database holds an id.
            ids: the arguments that are ids, with the prefix of each.
            texts: the arguments that are other texts.
        """
        self._build = build
        self._ids, self._texts = ids, texts
        self._compiled: dict[str, tuple[QuerySet[M], str, list[Any]]] = {}

    def __call__(self, **values: str) -> RawQuerySet[M]:
        """Return the rows for these values, with the annotations as attributes."""
        if (compiled := self._compiled.get(connection.vendor)) is None:
            compiled = self._compiled[connection.vendor] = self._compile()
        queryset, sql, parameters = compiled
        given = [
            parameter[1](values[parameter[0]]) if isinstance(parameter, tuple) else parameter
            for parameter in parameters
        ]
        return queryset.model._default_manager.raw(sql, given)  # noqa: S611  the ORM wrote it

    def _compile(self) -> tuple[QuerySet[M], str, list[Any]]:
        samples = {name: new_id(prefix) for name, prefix in self._ids.items()}
        samples |= {name: new_id("text") for name in self._texts}
        slots: dict[Any, _Slot] = {}
        for name in self._ids:
            in_database = uuid_of(samples[name])
            slots[in_database] = (name, uuid_of)
            slots[in_database.hex] = (name, lambda id_: uuid_of(id_).hex)
        for name in self._texts:
            slots[samples[name]] = (name, str)
        queryset = self._build(**samples)
        sql, parameters = queryset.query.sql_with_params()
        return queryset, sql, [slots.get(parameter, parameter) for parameter in parameters]
