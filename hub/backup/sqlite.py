"""A SQLite database: copied while others write to it, and checked."""

import sqlite3
from contextlib import closing
from pathlib import Path

from hub.backup.fault import Fault
from hub.backup.schema import Migrations

MOST_FINDINGS = 3  # that a message names
WAIT_SECONDS = 2.0
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def copy(database: Path, to: Path) -> None:
    """Write what was committed to a database by now to a new file, while others go on writing.

    `VACUUM INTO` reads in one transaction, which in WAL mode makes no writer wait. SQLite's backup API would
    do that too, but it copies free pages with what was in them: messages that are over, deleted realms.

    Raises:
        Fault: there is no database, or it or the copy cannot be read or written.
    """
    if not database.is_file():
        raise Fault(f"There is no database {database}. Is HUB_DATA_DIR that of the hub, and was it started?")
    try:
        with closing(_connect(database, "rw")) as connection:
            connection.execute("VACUUM INTO ?", [str(to)])
    except sqlite3.Error as error:
        raise Fault(f"{database} cannot be copied: {error}.") from error


def check(database: Path, *, name: str) -> None:
    """See that nothing is broken in a database that nobody writes to.

    Args:
        name: what to call it in the message.

    Raises:
        Fault: something is.
    """
    try:
        with closing(_connect(database, "ro")) as connection:
            findings = [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
            rows = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.Error as error:
        findings, rows = [str(error)], []
    findings += [f"row {row} of {table} points to none of {parent}" for table, row, parent, _ in rows]
    if findings:
        raise Fault(f"{name} is damaged: {'; '.join(findings[:MOST_FINDINGS])}.")


def migrations_of(database: Path) -> Migrations:
    """Return the migrations that a database has; none if it is no hub's."""
    with closing(_connect(database, "ro")) as connection:
        try:
            return connection.execute("SELECT app, name FROM django_migrations ORDER BY app, name").fetchall()
        except sqlite3.OperationalError:
            return []


def is_in_use(database: Path) -> bool:
    """Tell whether a process has a database open; if none has, its write-ahead log is in it afterwards.

    SQLite leaves no WAL mode while there is another connection (https://sqlite.org/pragma.html,
    `journal_mode`). The hub enters it again as it opens the database.
    """
    try:
        with closing(_connect(database, "rw")) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        # What is no database at all is open in no hub.
        return error.sqlite_errorcode & 0xFF in BUSY
    return False


def _connect(database: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{database.absolute().as_uri()}?mode={mode}", uri=True, timeout=WAIT_SECONDS, isolation_level=None
    )
