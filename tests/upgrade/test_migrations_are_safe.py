"""A new version's migrations run while the version before serves: they lock nothing for long.

What is excused here is so by name and with its reason, and an excuse that is not needed fails too.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django_migration_linter import MigrationLinter
from django_migration_linter.sql_analyser.analyser import analyse_sql_statements

from tests.upgrade.locks import findings

OURS = ("accounts", "hub", "realms")
Name = tuple[str, str]

# From before the first release: no hub held rows then, and none served with the code of before.
BEFORE_RELEASE: dict[Name, tuple[set[str], set[str]]] = {
    ("accounts", "0002_user_must_change_password"): (
        {"NOT_NULL"},
        {"user.must_change_password is neither null nor has a default in the database"},
    ),
    ("hub", "0002_tokens_and_idempotency"): (
        # Of a table with a row for each stream that is open, and which the migration has just emptied.
        {"CREATE_INDEX", "CREATE_INDEX_EXCLUSIVE"},
        {
            "openstream.realm has an index, which is built under a lock",
            "openstream.realm is neither null nor has a default in the database",
        },
    ),
    ("realms", "0002_audit_log_and_quotas"): (
        {"NOT_NULL"},
        {
            "realm.max_sessions is neither null nor has a default in the database",
            "realm.max_streams is neither null nor has a default in the database",
        },
    ),
    ("realms", "0004_members_and_deleted_realms"): (
        # Of realms, of which there are at most thousands: built in milliseconds.
        {"ADD_UNIQUE", "DROP_INDEX", "CREATE_INDEX", "CREATE_INDEX_EXCLUSIVE"},
        {"the constraint realm_slug_unique_per_owner is checked under a lock"},
    ),
}
# These stay right after it too.
HARMLESS: dict[Name, tuple[set[str], set[str]]] = {
    ("hub", "0005_messages_by_category_and_sender"): (
        # An index is dropped, whose lock is over as soon as it is there: nothing is read or written anew.
        set(),
        {"message.sender changes its db_index"},
    ),
    ("hub", "0008_stream_of_session"): (
        # Likewise, of a small table.
        set(),
        {"openstream.realm changes its db_index"},
    ),
}
EXCUSED = {**BEFORE_RELEASE, **HARMLESS}


def ours() -> list[Name]:
    """Return the names of our migrations."""
    return sorted(name for name in MigrationLoader(None).disk_migrations if name[0] in OURS)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ours(), ids=".".join)
def test_the_linter_finds_nothing(name: Name) -> None:
    linter = MigrationLinter(analyser_string="postgresql", no_cache=True, no_output=True)
    found = [
        *analyse_sql_statements(linter.sql_analyser_class, linter.get_sql(*name)),
        *linter.analyse_data_migration(linter.migration_loader.disk_migrations[name]),
    ]

    codes = {issue.code for issues in found for issue in issues}

    assert codes == EXCUSED.get(name, (set(), set()))[0]


@pytest.mark.parametrize("name", ours(), ids=".".join)
def test_no_table_that_is_in_use_is_locked_for_long(name: Name) -> None:
    loader = MigrationLoader(None)

    found = findings(loader.disk_migrations[name], loader.project_state(name, at_end=False))

    assert found == EXCUSED.get(name, (set(), set()))[1]


def test_excuses_are_of_migrations_that_there_are() -> None:
    assert set(EXCUSED) <= set(ours())


def concurrent() -> Iterator[Any]:
    """Yield our migrations with the place of each operation in it that builds an index beside writers."""
    for name in ours():
        for place, operation in enumerate(MigrationLoader(None).disk_migrations[name].operations):
            if isinstance(operation, AddIndexConcurrently):
                yield pytest.param(name, place, id=f"{name[0]}.{operation.index.name}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "place"), list(concurrent()))
def test_indexes_are_built_beside_writers_where_the_database_can(
    name: Name, place: int, is_postgresql: bool
) -> None:
    loader = MigrationLoader(None)
    app, state = name[0], loader.project_state(name, at_end=False)
    operations = loader.disk_migrations[name].operations
    for operation in operations[:place]:
        operation.state_forwards(app, state)
    after = state.clone()
    operations[place].state_forwards(app, after)

    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        operations[place].database_forwards(app, editor, state, after)

    [statement] = editor.collected_sql
    assert statement.startswith("CREATE INDEX CONCURRENTLY" if is_postgresql else "CREATE INDEX ")
    assert ("CONCURRENTLY" in statement) == is_postgresql
