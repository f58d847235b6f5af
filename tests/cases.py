"""Many cases in one test: the cast is made once, and each case is undone before the next."""

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Model

from hub.activity import rules as activity
from tests.rows import forget_credentials

Test = Callable[..., None]


@contextmanager
def _undone() -> Iterator[None]:
    """Undo what a case writes, if the test has a database and a transaction around it."""
    forget_credentials()
    activity._counts.begin_anew()
    if not connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        try:
            yield
            connection.check_constraints()  # as at the end of each test
        finally:
            transaction.set_rollback(True)


def _own(fixture: Any) -> Any:
    """Return what a row may change in memory without another row's seeing it."""
    return copy.deepcopy(fixture) if isinstance(fixture, Model) else fixture


def cases(
    names: str | tuple[str, ...],
    table: Iterable[Any],
    *,
    ids: Callable[[Any], str] | Iterable[str] = repr,
) -> Callable[[Test], Test]:
    """Run a test for every row of a table, like `pytest.mark.parametrize`, but as one test.

    All rows are tried. Those that fail are raised together, each with a note that names its row. Only the
    database is undone after a row, so a row must not change a clock, a setting or a log.

    Args:
        names: the argument that takes a row, or the arguments that take its parts.
        table: the rows.
        ids: the names of the rows, or a function that returns the name of a row.
    """
    rows = list(table)
    assert rows, "a table without rows proves nothing"
    named = list(zip(map(ids, rows) if callable(ids) else ids, rows, strict=True))

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def run_all(**fixtures: Any) -> None:
            failed: list[str] = []
            failures: list[BaseException] = []
            for name, row in named:
                said = {names: row} if isinstance(names, str) else dict(zip(names, row, strict=True))
                try:
                    with _undone():
                        test(**said, **{name: _own(value) for name, value in fixtures.items()})
                except (Exception, pytest.fail.Exception) as failure:
                    failure.add_note(f"case: {name}")
                    failed.append(name)
                    failures.append(failure)
            if failures:
                message = f"{len(failures)} of {len(rows)} cases fail: {', '.join(failed)}"
                raise BaseExceptionGroup(message, failures)

        signature = inspect.signature(test)
        taken = {names} if isinstance(names, str) else set(names)
        left = [each for each in signature.parameters.values() if each.name not in taken]
        run_all.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return run_all

    return decorate
