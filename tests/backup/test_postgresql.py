"""A database that `pg_restore` wrote is what the migrations make: nothing that guards the rows is missing."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.backup import places
from tests.backup.places import Place
from tests.backup.tale import Tale, founded

pytestmark = [pytest.mark.deployment, pytest.mark.postgres, pytest.mark.redis]

# Everything that a table is besides its rows.
SHAPE = {
    "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default, identity_generation "
    "FROM information_schema.columns WHERE table_schema = 'public'",
    "constraints": "SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(oid) "
    "FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    # A condition that was read in again has its casts in other places.
    "indexes": "SELECT indrelid::regclass::text, indisvalid, indisunique, "
    "translate(regexp_replace(pg_get_indexdef(indexrelid), '::[a-z ]+(\\[])?', '', 'g'), '()', '') "
    "FROM pg_index WHERE indrelid::regclass::text !~ '^pg_'",
    "triggers": "SELECT tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "functions": "SELECT proname, pg_get_functiondef(oid) FROM pg_proc "
    "WHERE pronamespace = 'public'::regnamespace",
    "migrations": "SELECT app, name, applied FROM django_migrations",
}
# A program of PostgreSQL that notes how it was called.
NOTES_ITS_CALL = """#!/bin/sh
echo "$@" >> {folder}/arguments
echo "$PGPASSWORD" >> {folder}/password
exec {program} "$@"
"""


@pytest.fixture(scope="module")
def founded_place() -> Iterator[Place]:
    """A hub with one realm, which is not running."""
    with places.database() as place:
        founded(place)
        yield place


@pytest.fixture
def empty() -> Iterator[Place]:
    """An empty database."""
    with places.database() as place:
        yield place


def rows(place: Place, query: str) -> list[tuple[object, ...]]:
    """Return what a query says of a place's database, sorted."""
    with psycopg.connect(place.environment["DATABASE_URL"]) as connection:
        return sorted(connection.execute(query.encode()).fetchall(), key=repr)


@pytest.mark.parametrize("query", SHAPE.values(), ids=SHAPE.keys())
def test_the_shape_of_the_tables_is_the_same(restored: Tale, query: str) -> None:
    shape = rows(restored.lost, query)

    assert shape
    assert rows(restored.place, query) == shape


@pytest.mark.parametrize("statement", ["UPDATE {} SET action = 'x'", "DELETE FROM {}"])
def test_the_audit_log_still_refuses_to_be_changed(restored: Tale, statement: str) -> None:
    with (
        pytest.raises(psycopg.Error, match="append-only"),
        psycopg.connect(restored.place.environment["DATABASE_URL"]) as connection,
    ):
        connection.execute(statement.format("realms_auditevent").encode())


def test_sequences_go_on_behind_the_rows_that_came_back(restored: Tale) -> None:
    url = restored.place.environment["DATABASE_URL"]
    used = 0
    with psycopg.connect(url) as connection:
        for name, last in connection.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall():
            table = name.removesuffix("_id_seq")  # as PostgreSQL names that of an identity
            [highest] = connection.execute(f"SELECT max(id) FROM {table}".encode()).fetchone() or [None]
            assert (last or 0) >= (highest or 0), name
            used += highest is not None
    assert used > 1


def test_the_password_is_on_no_command_line(founded_place: Place, tmp_path: Path) -> None:
    for name in ("pg_dump", "pg_restore"):
        program = tmp_path / name
        program.write_text(NOTES_ITS_CALL.format(folder=tmp_path, program=shutil.which(name)))
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
    url = founded_place.environment["DATABASE_URL"].replace("postgres@", "postgres:a-secret@")
    variables = {"DATABASE_URL": url, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    Place({**founded_place.environment, **variables}).manage("backup", str(tmp_path / "hub.dump"))

    assert "a-secret" not in (tmp_path / "arguments").read_text()
    assert "a-secret" in (tmp_path / "password").read_text()


def test_a_folder_takes_a_file_named_after_the_time(founded_place: Place, tmp_path: Path) -> None:
    printed = founded_place.manage("backup", str(tmp_path))

    [made] = tmp_path.iterdir()
    assert (printed, made.suffix) == (str(made), ".dump")
    assert made.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_kept(founded_place: Place, tmp_path: Path) -> None:
    target = tmp_path / "hub.dump"
    target.write_text("precious")

    assert "is there already" in founded_place.refused("backup", str(target))
    assert target.read_text() == "precious"
    founded_place.manage("backup", str(target), "--force")
    assert target.read_bytes().startswith(b"PGDMP")


def test_a_database_that_does_not_answer_is_named_and_leaves_no_file(empty: Place, tmp_path: Path) -> None:
    url = f"{empty.environment['DATABASE_URL']}_not_there"
    nowhere = Place({**empty.environment, "DATABASE_URL": url})

    assert "does not exist" in nowhere.refused("backup", str(tmp_path / "hub.dump"))
    assert list(tmp_path.iterdir()) == []


def test_without_the_programs_it_says_what_to_install(founded_place: Place, tmp_path: Path) -> None:
    bare = Place({**founded_place.environment, "PATH": str(tmp_path)})

    assert "apt-get install postgresql-client" in bare.refused("backup", str(tmp_path / "hub.dump"))


def test_one_that_was_cut_off_restores_nothing(founded_place: Place, empty: Place, tmp_path: Path) -> None:
    dump = tmp_path / "hub.dump"
    founded_place.manage("backup", str(dump))
    whole = dump.read_bytes()
    dump.write_bytes(whole[: len(whole) - 2000])

    assert "pg_restore ended with" in empty.refused("restore", str(dump))
    assert rows(empty, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []


@pytest.mark.parametrize("content", [b"", b"manifest.json\0", b"PGDM"])
def test_what_is_no_dump_is_refused(empty: Place, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)

    said = empty.refused("restore", str(tmp_path / "other"))

    assert "is no dump of a PostgreSQL database" in said and "SQLite" in said


def test_one_with_the_schema_of_a_later_hub_is_refused(
    founded_place: Place, empty: Place, tmp_path: Path
) -> None:
    with places.database(like=founded_place) as later:
        with psycopg.connect(later.environment["DATABASE_URL"]) as connection:
            connection.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('hub', '9999_x', now())"
            )
        later.manage("backup", str(tmp_path / "hub.dump"))

    said = empty.refused("restore", str(tmp_path / "hub.dump"))

    assert "hub.9999_x" in said and "later hub" in said
    assert rows(empty, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []


def test_a_dump_of_something_else_is_refused(empty: Place, tmp_path: Path) -> None:
    with places.database() as other:
        other.manage("backup", str(tmp_path / "other.dump"))

    assert "without tables of a hub" in empty.refused("restore", str(tmp_path / "other.dump"))
