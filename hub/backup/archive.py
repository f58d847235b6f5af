"""The file that a backup of SQLite is: a tar with a manifest, the database and the secret key.

A tar, so that every system can look into it, and not compressed, so that tools that keep many backups find
what two of them have in common. Nothing in it is ever written to a path that the archive names.
"""

import contextlib
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

import msgspec

from hub.backup.fault import Fault
from hub.backup.schema import Migrations
from hub.version import VERSION

FORMAT_VERSION = 1
MANIFEST, DATABASE, SECRET_KEY = "manifest.json", "hub.sqlite3", "secret_key"
LONGEST_MANIFEST_BYTES = 1 << 20
CHUNK_BYTES = 1 << 20
POSTGRESQL_DUMP = b"PGDMP"  # how a file of `pg_dump --format=custom` begins


class Content(msgspec.Struct, frozen=True):
    """A file in the archive."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says of itself.

    Attributes:
        hub: the version of the hub that made it.
        made_at: when the database was copied.
        migrations: app and name of each that the database has, sorted.
        files: what else is in the archive, by name.
    """

    format: Literal["aisp-hub-backup"] = "aisp-hub-backup"
    format_version: int = FORMAT_VERSION
    hub: str
    made_at: datetime
    migrations: Migrations
    files: dict[str, Content]


def write(to: Path, files: Mapping[str, Path], *, made_at: datetime, migrations: Migrations) -> None:
    """Write an archive of `files`, by the names that they have in it, which only this user may read."""
    contents = {name: Content(path.stat().st_size, _digest(path)) for name, path in files.items()}
    manifest = Manifest(hub=VERSION, made_at=made_at, migrations=migrations, files=contents)
    encoded = msgspec.json.format(msgspec.json.encode(manifest))
    with (
        os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
        tarfile.open(fileobj=file, mode="w") as tar,
    ):
        tar.addfile(_member(MANIFEST, len(encoded), made_at), io.BytesIO(encoded))
        for name, path in files.items():
            with path.open("rb") as source:
                tar.addfile(_member(name, contents[name].bytes, made_at), source)


def _member(name: str, size: int, made_at: datetime) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(made_at.timestamp())
    return member


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Archive:
    """An archive that is open, whose manifest was read."""

    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        """Read the manifest.

        Raises:
            Fault: this is no archive that `write` could have made, or one of a later hub.
        """
        self._path, self._tar = path, tar
        self.manifest = self._read_manifest()
        self._members = self._read_members()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def extract(self, name: str, to: Path) -> None:
        """Write a file of the archive to a path, readable for this user alone.

        Raises:
            Fault: it is not what was put into the archive.
        """
        source = self._tar.extractfile(self._members[name])
        assert source is not None, "only regular files are members"
        digest = hashlib.sha256()
        with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != self.manifest.files[name].sha256:
            raise self._damaged(f"{name} is not as it was put in")

    def _read_manifest(self) -> Manifest:
        first = self._tar.next()
        if (
            first is None
            or first.name != MANIFEST
            or not first.isreg()
            or first.size > LONGEST_MANIFEST_BYTES
        ):
            raise _no_backup(self._path)
        encoded = self._tar.extractfile(first)
        try:
            manifest = msgspec.json.decode(encoded.read() if encoded else b"", type=Manifest)
        except msgspec.DecodeError:
            raise _no_backup(self._path) from None
        if manifest.format_version != FORMAT_VERSION:
            raise Fault(
                f"{self._path} was made by AISP Hub {manifest.hub}, in a form that this hub does not know. "
                "Restore it with that version."
            )
        return manifest

    def _read_members(self) -> dict[str, tarfile.TarInfo]:
        wanted = self.manifest.files
        found: dict[str, tarfile.TarInfo] = {}
        while (member := self._tar.next()) is not None:
            if member.name not in wanted or member.name in found or not _is_plain(member):
                raise self._damaged(f"{member.name!r} does not belong in it")
            if member.size != wanted[member.name].bytes:
                raise self._damaged(f"{member.name} has another size")
            found[member.name] = member
        missing = [name for name in (DATABASE, *wanted) if name not in found]
        if missing or not set(wanted) <= {DATABASE, SECRET_KEY}:
            raise self._damaged(f"its files are {sorted(found)}")
        return found

    def _damaged(self, why: str) -> Fault:
        return Fault(f"{self._path} is damaged: {why}. Nothing was restored; take another backup.")


def _is_plain(member: tarfile.TarInfo) -> bool:
    return member.type == tarfile.REGTYPE and member.sparse is None


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive.

    Raises:
        Fault: it cannot be read, or is none; also for what is found damaged in the `with` block.
    """
    try:
        with path.open("rb") as file:
            _see_that_it_is_of_sqlite(path, file)
            with tarfile.open(fileobj=file, mode="r:") as tar:
                yield Archive(path, tar)
    except FileNotFoundError:
        raise Fault(f"There is no file {path}.") from None
    except OSError as error:
        raise Fault(f"{path} cannot be restored: {error.strerror or error}.") from error
    except tarfile.TarError as error:
        raise Fault(f"{path} is damaged, or not whole: {error}.") from None


def _see_that_it_is_of_sqlite(path: Path, file: IO[bytes]) -> None:
    head = file.read(tarfile.BLOCKSIZE)
    file.seek(0)
    if head.startswith(POSTGRESQL_DUMP):
        raise Fault(
            f"{path} is a backup of a hub on PostgreSQL, and this one is on SQLite. "
            "Name an empty PostgreSQL database in DATABASE_URL, and restore it there."
        )
    if not head.startswith(MANIFEST.encode() + b"\0"):
        raise _no_backup(path)


def _no_backup(path: Path) -> Fault:
    return Fault(f"{path} is no backup of a hub.")
