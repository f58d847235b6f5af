"""Backups of a data directory get their names whole, and a restore takes nothing away."""

import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hub.backup import data_folder
from hub.backup.archive import DATABASE, SECRET_KEY
from hub.backup.data_folder import DataFolder
from hub.backup.fault import Fault
from tests.backup import little

ROOM_BYTES = 8192  # less than the smallest database


@pytest.fixture
def hub(tmp_path: Path) -> DataFolder:
    """A hub's data directory."""
    return little.hub(tmp_path / "hub")


@pytest.fixture
def into(tmp_path: Path) -> DataFolder:
    """A data directory in which there is nothing."""
    return little.empty(tmp_path / "into")


def refusal(hub: DataFolder, target: Path, *, with_key: bool = True) -> str:
    """Return why no backup is made; sees that no file was left behind."""
    before = list(target.parent.iterdir()) if target.parent.is_dir() else []
    with pytest.raises(Fault) as caught:
        data_folder.back_up(hub, target, with_key=with_key, force=False)
    assert (list(target.parent.iterdir()) if target.parent.is_dir() else []) == before
    return str(caught.value)


def test_what_another_connection_has_not_committed_is_not_in_it(
    tmp_path: Path, hub: DataFolder, into: DataFolder
) -> None:
    little.write(hub, "INSERT INTO parent (note) VALUES ('committed')")
    with closing(sqlite3.connect(hub.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO parent (note) VALUES ('not committed')")
        data_folder.back_up(hub, tmp_path / "backup.tar", with_key=True, force=False)
        writer.execute("COMMIT")

    data_folder.put_back(tmp_path / "backup.tar", into, force=False)

    assert little.notes(into) == ["committed"]


def test_what_was_deleted_is_not_in_it(tmp_path: Path, hub: DataFolder) -> None:
    little.write(hub, "INSERT INTO parent (note) VALUES ('a message that is over')")
    little.write(hub, "PRAGMA secure_delete=OFF; DELETE FROM parent")
    assert b"a message that is over" in hub.database.read_bytes()

    data_folder.back_up(hub, tmp_path / "backup.tar", with_key=True, force=False)

    assert b"a message that is over" not in (tmp_path / "backup.tar").read_bytes()


def test_a_key_from_the_environment_is_not_in_it(tmp_path: Path, into: DataFolder) -> None:
    backup = little.backed_up(tmp_path, with_key=False)
    into.key_file.write_text("another key")

    data_folder.put_back(backup, into, force=False)

    assert little.KEY.encode() not in backup.read_bytes()
    assert into.key_file.read_text() == "another key"


def test_a_file_that_is_there_is_kept(tmp_path: Path, hub: DataFolder) -> None:
    target = tmp_path / "backup.tar"
    target.write_text("precious")
    hub.database.unlink()  # which is not even looked for

    assert "is there already" in refusal(hub, target)
    assert target.read_text() == "precious"


def test_with_force_it_is_replaced(tmp_path: Path, hub: DataFolder) -> None:
    target = tmp_path / "backup.tar"
    target.write_text("of yesterday")
    target.chmod(0o644)

    data_folder.back_up(hub, target, with_key=True, force=True)

    assert target.read_bytes().startswith(b"manifest.json")
    assert target.stat().st_mode & 0o777 == 0o600


def test_with_force_the_file_before_stays_if_no_backup_is_made(tmp_path: Path, hub: DataFolder) -> None:
    target = tmp_path / "backup.tar"
    target.write_text("of yesterday")
    hub.database.write_bytes(b"x" * 5000)

    with pytest.raises(Fault):
        data_folder.back_up(hub, target, with_key=True, force=True)

    assert target.read_text() == "of yesterday"


def test_a_folder_that_is_not_there(tmp_path: Path, hub: DataFolder) -> None:
    assert "There is no folder" in refusal(hub, tmp_path / "none" / "backup.tar")


def test_no_hub_was_started_there(tmp_path: Path, into: DataFolder) -> None:
    assert "There is no database" in refusal(into, tmp_path / "backup.tar", with_key=False)


def test_the_secret_key_is_gone(tmp_path: Path, hub: DataFolder) -> None:
    hub.key_file.unlink()

    assert "There is no secret key" in refusal(hub, tmp_path / "backup.tar")


def test_a_database_that_is_broken(tmp_path: Path, hub: DataFolder) -> None:
    hub.database.write_bytes(b"x" * 5000)

    assert "file is not a database" in refusal(hub, tmp_path / "backup.tar")


def test_a_row_that_points_to_none(tmp_path: Path, hub: DataFolder) -> None:
    little.write(hub, "INSERT INTO child VALUES (7)")

    assert "row 1 of child points to none of parent" in refusal(hub, tmp_path / "backup.tar")


def test_a_disk_without_room(tmp_path: Path, hub: DataFolder) -> None:
    """A limit on the size of files, which for SQLite and Python is a disk that is full."""
    for _ in range(20):
        little.write(hub, f"INSERT INTO parent (note) VALUES ('{'x' * 1000}')")
    program = (
        "import sys, pathlib\n"
        "from hub.backup import data_folder, fault\n"
        "hub = data_folder.DataFolder(*map(pathlib.Path, sys.argv[1:3]))\n"
        "try:\n    data_folder.back_up(hub, pathlib.Path(sys.argv[3]), with_key=True, force=False)\n"
        "except fault.Fault as found:\n    print(found)\n"
    )
    target = tmp_path / "out" / "backup.tar"
    target.parent.mkdir()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, ROOM_BYTES))

    arguments = [sys.executable, "-c", program, str(hub.database), str(hub.key_file), str(target)]
    ran = subprocess.run(arguments, preexec_fn=limit, capture_output=True, text=True)

    assert ran.stdout.startswith(f"{hub.database} cannot be copied: "), ran.stderr
    assert list(target.parent.iterdir()) == []


def test_a_database_that_is_there_is_kept(tmp_path: Path, hub: DataFolder) -> None:
    backup = little.backed_up(tmp_path)
    little.write(hub, "INSERT INTO parent (note) VALUES ('precious')")

    with pytest.raises(Fault, match="There is a database"):
        data_folder.put_back(backup, hub, force=False)

    assert little.notes(hub) == ["precious"]


def test_with_force_it_is_put_aside_with_its_key(tmp_path: Path, hub: DataFolder) -> None:
    backup = little.backed_up(tmp_path)
    little.write(hub, "INSERT INTO parent (note) VALUES ('precious')")
    hub.key_file.write_text("its key")

    data_folder.put_back(backup, hub, force=True)

    assert (little.notes(hub), hub.key_file.read_text()) == (["kept"], little.KEY)
    [aside] = hub.folder.glob("replaced-*")
    assert aside.stat().st_mode & 0o777 == 0o700
    old = DataFolder(aside / DATABASE, aside / SECRET_KEY)
    assert (little.notes(old), old.key_file.read_text()) == (["precious"], "its key")


def test_what_a_hub_that_died_had_not_yet_moved_into_its_database_is_put_aside_too(
    tmp_path: Path, hub: DataFolder
) -> None:
    """And is not taken for the log of the database that comes in its place."""
    backup = little.backed_up(tmp_path)
    killed = (
        "import os, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute(\"INSERT INTO parent (note) VALUES ('in the log')\")\n"
        "os._exit(1)\n"
    )
    subprocess.run([sys.executable, "-c", killed, str(hub.database)])
    assert hub.database.with_name(f"{DATABASE}-wal").stat().st_size

    data_folder.put_back(backup, hub, force=True)

    assert little.notes(hub) == ["kept"]
    [aside] = hub.folder.glob("replaced-*")
    assert little.notes(DataFolder(aside / DATABASE, aside / SECRET_KEY)) == ["in the log"]


def test_even_with_force_it_is_not_replaced_while_a_hub_has_it_open(tmp_path: Path, hub: DataFolder) -> None:
    backup = little.backed_up(tmp_path)
    with closing(sqlite3.connect(hub.database)) as running:
        running.execute("SELECT * FROM parent").fetchall()

        with pytest.raises(Fault, match="is running"):
            data_folder.put_back(backup, hub, force=True)

    data_folder.put_back(backup, hub, force=True)
    assert little.notes(hub) == ["kept"]


@pytest.mark.parametrize("rest", ["hub.sqlite3", "hub.sqlite3-wal", "hub.sqlite3-shm", "hub.sqlite3-journal"])
def test_what_is_left_of_a_database_is_put_aside_too(tmp_path: Path, into: DataFolder, rest: str) -> None:
    """SQLite would take it for a part of the one that comes in its place."""
    backup = little.backed_up(tmp_path)
    (into.folder / rest).write_bytes(b"x" * 5000)

    with pytest.raises(Fault, match="There is a database"):
        data_folder.put_back(backup, into, force=False)
    data_folder.put_back(backup, into, force=True)

    assert little.notes(into) == ["kept"]
    [aside] = into.folder.glob("replaced-*")
    assert (aside / rest).read_bytes() == b"x" * 5000


def test_a_folder_that_is_not_ones_own(tmp_path: Path, hub: DataFolder) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o500)
    if os.access(theirs, os.W_OK):
        pytest.skip("this user may write everywhere")

    assert "Permission denied" in refusal(hub, theirs / "backup.tar")
