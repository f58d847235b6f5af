"""The embedded hub's data directory: backed up, and put back."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hub.backup import archive, sqlite
from hub.backup.archive import DATABASE, SECRET_KEY, Manifest
from hub.backup.fault import Fault
from hub.backup.schema import see_that_it_is_known
from hub.backup.whole_file import keep, written_whole

SUFFIX = ".tar"
BESIDE_THE_DATABASE = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where an embedded hub keeps what it keeps.

    Attributes:
        database: the SQLite database.
        key_file: the secret key; it need not be there, if the environment gives one.
    """

    database: Path
    key_file: Path

    @property
    def folder(self) -> Path:
        """The folder of the two."""
        return self.database.parent

    def held(self) -> list[Path]:
        """Return the files of a database that are there, in whatever state it is."""
        names = [f"{self.database.name}{suffix}" for suffix in BESIDE_THE_DATABASE]
        return [path for name in names if (path := self.folder / name).exists()]


def back_up(source: DataFolder, target: Path, *, with_key: bool, force: bool) -> None:
    """Write the database, as it is now, and the secret key to an archive.

    Args:
        with_key: whether the hub has its secret key from the key file.
        force: whether `target` may be replaced.

    Raises:
        Fault: it cannot be done, or the copy does not pass SQLite's own checks.
    """
    if with_key and not source.key_file.is_file():
        raise Fault(f"There is no secret key {source.key_file}. Is HUB_DATA_DIR that of the hub?")
    with written_whole(target, force=force) as draft:
        made_at = datetime.now(UTC).replace(microsecond=0)
        copied = draft.parent / DATABASE
        sqlite.copy(source.database, copied)
        sqlite.check(copied, name=str(source.database))
        files = {DATABASE: copied} | ({SECRET_KEY: source.key_file} if with_key else {})
        archive.write(draft, files, made_at=made_at, migrations=sqlite.migrations_of(copied))


def put_back(backup: Path, into: DataFolder, *, force: bool) -> Manifest:
    """Restore an archive, and return what it says of itself.

    What was there goes into a folder beside it, `replaced-` and the time. A key without a database sealed
    nothing: it is replaced.

    Args:
        force: even if there is a database already.

    Raises:
        Fault: it cannot be done. What was there is never lost.
    """
    with archive.opened(backup) as source:
        see_that_it_is_known(source.manifest.migrations, of=str(backup))
        into.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _see_that_there_is_room(into, force=force)
        with tempfile.TemporaryDirectory(dir=into.folder, prefix=".restore-") as folder:
            database, key = Path(folder) / DATABASE, Path(folder) / SECRET_KEY
            source.extract(DATABASE, database)
            sqlite.check(database, name=f"The database in {backup}")
            if SECRET_KEY in source:
                source.extract(SECRET_KEY, key)
            _put_aside(into)
            # The key first: a database without its key would be a hub that cannot read what it sealed.
            if key.exists():
                key.replace(into.key_file)
            database.replace(into.database)
            keep(into.folder)
    return source.manifest


def _see_that_there_is_room(into: DataFolder, *, force: bool) -> None:
    if into.held() and not force:
        raise Fault(
            f"There is a database in {into.folder}. Restore into another HUB_DATA_DIR, or with --force, "
            "which puts aside what is there."
        )
    if into.database.exists() and sqlite.is_in_use(into.database):
        raise Fault(f"The hub in {into.folder} is running. Stop it first.")


def _put_aside(into: DataFolder) -> None:
    held = into.held()
    if not held:
        return
    aside = into.folder / f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    aside.mkdir(mode=0o700)
    for path in (*held, into.key_file):
        if path.exists():
            path.rename(aside / path.name)
