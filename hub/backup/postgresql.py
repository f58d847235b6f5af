"""A hub's PostgreSQL database, by the tools that come with PostgreSQL.

A backup is what `pg_dump --format=custom` writes, and nothing around it: any `pg_restore` takes it, also
where there is no hub. The hub runs `pg_dump` itself rather than to tell how, so that the database's settings
stand in one place, the password on no command line, and a name only on what was read to its end.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import OperationalError, connection
from django.db.backends.postgresql.client import DatabaseClient

from hub.backup.archive import POSTGRESQL_DUMP
from hub.backup.fault import Fault
from hub.backup.schema import Migrations, see_that_it_is_known
from hub.backup.whole_file import written_whole

SUFFIX = ".dump"
LOCK_WAIT = "60s"  # behind a migration; a dump keeps nobody else waiting
MOST_LINES = 5  # of what a program said, in a message


def back_up(database: Mapping[str, Any], target: Path, *, force: bool) -> None:
    """Dump a database as of one moment, while the hub goes on.

    Args:
        database: Django's settings of it.
        force: whether `target` may be replaced.

    Raises:
        Fault: it cannot be done.
    """
    login, environment = _login(database)
    with written_whole(target, force=force) as draft:
        options = ["--format=custom", f"--file={draft}", "--no-password", f"--lock-wait-timeout={LOCK_WAIT}"]
        _run("pg_dump", [*options, *login], environment)
        _run("pg_restore", [f"--file={os.devnull}", str(draft)])  # reads all of it


def put_back(backup: Path, database: Mapping[str, Any]) -> None:
    """Restore a dump into an empty database, all of it or nothing.

    Raises:
        Fault: the database is not empty, or it cannot be done.
    """
    _see_that_it_is_a_dump(backup)
    see_that_it_is_known(_migrations_of(backup), of=str(backup))
    _see_that_nothing_is_there(database)
    login, environment = _login(database)
    # Roles are this server's business: everything belongs to who restores it, as whom the hub connects.
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]
    _run("pg_restore", [*options, *login[:-1], f"--dbname={login[-1]}", str(backup)], environment)


def _login(database: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return arguments, of which the last names the database, and environment, which has the password."""
    arguments, environment = DatabaseClient.settings_to_cmd_args_env(dict(database), [])
    return arguments[1:], environment or {}


def _run(program: str, arguments: list[str], environment: Mapping[str, str] | None = None) -> str:
    path = shutil.which(program)
    if path is None:
        raise Fault(
            f"There is no {program} here. Install PostgreSQL's client programs, as new as the server is "
            "(Debian: apt-get install postgresql-client), or run `pg_dump --format=custom` and `pg_restore` "
            "where the server is."
        )
    run = subprocess.run(  # noqa: S603 - no shell, and the arguments are the operator's own settings
        [path, *arguments],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if run.returncode:
        said = "\n".join(run.stderr.strip().splitlines()[:MOST_LINES])
        raise Fault(f"{program} ended with {run.returncode}:\n{said}")
    return run.stdout


def _see_that_it_is_a_dump(backup: Path) -> None:
    try:
        with backup.open("rb") as file:
            head = file.read(len(POSTGRESQL_DUMP))
    except FileNotFoundError:
        raise Fault(f"There is no file {backup}.") from None
    except OSError as error:
        raise Fault(f"{backup} cannot be read: {error.strerror}.") from None
    if head != POSTGRESQL_DUMP:
        raise Fault(
            f"{backup} is no dump of a PostgreSQL database. A backup of a hub on SQLite is restored where "
            "there is no DATABASE_URL; the two cannot be turned into each other."
        )


def _migrations_of(backup: Path) -> Migrations:
    """Return the migrations that a dumped database has, from the rows that `pg_restore` prints (COPY)."""
    script = _run("pg_restore", ["--data-only", "--table=django_migrations", "--file=-", str(backup)])
    _, _, rest = script.partition("\nCOPY ")
    head, _, rows = rest.partition("\n")
    columns = head[head.find("(") + 1 : head.find(")")].split(", ")
    if not {"app", "name"} <= set(columns):
        return []
    lines = rows.partition("\n\\.")[0].splitlines()
    records = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]
    return sorted((record["app"], record["name"]) for record in records)


def _see_that_nothing_is_there(database: Mapping[str, Any]) -> None:
    try:
        tables = connection.introspection.table_names()
    except OperationalError as error:
        raise Fault(f"The database {database['NAME']} does not answer: {str(error).strip()}") from None
    if tables:
        raise Fault(
            f"The database {database['NAME']} is not empty. Make a new one, with `createdb`, and name it in "
            "DATABASE_URL."
        )
