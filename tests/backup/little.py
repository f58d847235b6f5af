"""A data directory as small as one can be that a backup is made of, and archives that nobody should trust."""

import io
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hub.backup import data_folder
from hub.backup.archive import DATABASE, SECRET_KEY
from hub.backup.data_folder import DataFolder

KEY = "a secret key"
MIGRATION = ("hub", "0001_initial")

Members = dict[str, tuple[tarfile.TarInfo, bytes]]


def empty(folder: Path) -> DataFolder:
    """Return a data directory in which there is nothing."""
    folder.mkdir()
    return DataFolder(folder / DATABASE, folder / SECRET_KEY)


def hub(folder: Path, *, migration: tuple[str, str] = MIGRATION) -> DataFolder:
    """Return one with a database in WAL mode and a key."""
    made = empty(folder)
    made.key_file.write_text(KEY)
    with closing(sqlite3.connect(made.database)) as connection, connection:
        connection.executescript(
            "PRAGMA journal_mode=WAL; CREATE TABLE django_migrations (app, name);"
            "CREATE TABLE parent (id INTEGER PRIMARY KEY, note);"
            "CREATE TABLE child (parent REFERENCES parent(id));"
        )
        connection.execute("INSERT INTO django_migrations VALUES (?, ?)", migration)
    return made


def write(there: DataFolder, script: str) -> None:
    """Change the database as a process that ends properly does."""
    with closing(sqlite3.connect(there.database)) as connection:
        connection.executescript(script)


def notes(there: DataFolder) -> list[str]:
    """Return what the database says."""
    with closing(sqlite3.connect(there.database)) as connection:
        return [note for (note,) in connection.execute("SELECT note FROM parent ORDER BY id")]


def backed_up(folder: Path, *, migration: tuple[str, str] = MIGRATION, with_key: bool = True) -> Path:
    """Return a backup of a database with the note `kept`."""
    source = hub(folder / "source", migration=migration)
    write(source, "INSERT INTO parent (note) VALUES ('kept')")
    target = folder / "backup.tar"
    data_folder.back_up(source, target, with_key=with_key, force=False)
    return target


def rewritten(backup: Path, change: Callable[[Members], None]) -> Path:
    """Write a backup again with other members; `change` gets the members by name, in their order."""
    with tarfile.open(backup) as tar:
        members: Members = {}
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            members[member.name] = (member, content.read())
    change(members)
    with tarfile.open(backup, "w") as tar:
        for member, bytes_of in members.values():
            tar.addfile(member, io.BytesIO(bytes_of) if member.isreg() else None)
    return backup
