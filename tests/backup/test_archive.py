"""What is no backup, or is damaged, is refused with the reason, and nothing is restored."""

import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hub.backup import data_folder
from hub.backup.archive import DATABASE, MANIFEST, SECRET_KEY
from hub.backup.data_folder import DataFolder
from hub.backup.fault import Fault
from tests.backup import little
from tests.backup.little import Members


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup that can be restored."""
    return little.backed_up(tmp_path)


@pytest.fixture
def into(tmp_path: Path) -> DataFolder:
    """A data directory in which there is nothing."""
    return little.empty(tmp_path / "into")


def refusal(backup: Path, into: DataFolder) -> str:
    """Return why a backup is not restored; sees that nothing was, and nothing was left behind."""
    with pytest.raises(Fault) as caught:
        data_folder.put_back(backup, into, force=False)
    assert list(into.folder.iterdir()) == []
    return str(caught.value)


def test_what_is_whole_is_restored(backup: Path, into: DataFolder) -> None:
    manifest = data_folder.put_back(backup, into, force=False)

    assert (little.notes(into), into.key_file.read_text()) == (["kept"], little.KEY)
    assert manifest.migrations == [little.MIGRATION]
    assert {path.name: path.stat().st_mode & 0o777 for path in into.folder.iterdir()} == {
        DATABASE: 0o600,
        SECRET_KEY: 0o600,
    }


def test_any_tar_can_read_it(backup: Path) -> None:
    with tarfile.open(backup) as tar:
        assert tar.getnames() == [MANIFEST, DATABASE, SECRET_KEY]


def test_a_file_that_is_not_there(tmp_path: Path, into: DataFolder) -> None:
    assert "There is no file" in refusal(tmp_path / "none.tar", into)


def test_a_folder(tmp_path: Path, into: DataFolder) -> None:
    assert "Is a directory" in refusal(tmp_path, into)


def test_a_file_that_one_may_not_read(backup: Path, into: DataFolder) -> None:
    backup.chmod(0o000)
    if os.access(backup, os.R_OK):
        pytest.skip("this user may read everything")

    assert "Permission denied" in refusal(backup, into)


@pytest.mark.parametrize("content", [b"", b"manifest.json", b"x" * 5000, bytes(10_240)])
def test_what_is_something_else(tmp_path: Path, into: DataFolder, content: bytes) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)

    assert "is no backup of a hub" in refusal(other, into)


def test_another_tar(tmp_path: Path, into: DataFolder) -> None:
    (tmp_path / "letter").write_text("Dear hub")
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.add(tmp_path / "letter", MANIFEST)

    assert "is no backup of a hub" in refusal(tmp_path / "other.tar", into)


def test_a_backup_of_postgresql(tmp_path: Path, into: DataFolder) -> None:
    dump = tmp_path / "hub.dump"
    dump.write_bytes(b"PGDMP\x01\x0e" + bytes(1000))

    said = refusal(dump, into)

    assert "is a backup of a hub on PostgreSQL" in said and "DATABASE_URL" in said


@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.8, 0.9])
def test_one_that_was_cut_off(backup: Path, into: DataFolder, part: float) -> None:
    whole = backup.read_bytes()
    backup.write_bytes(whole[: int(len(whole) * part)])

    said = refusal(backup, into)

    assert "is damaged" in said or "is no backup" in said


@pytest.mark.parametrize("name", [DATABASE, SECRET_KEY])
def test_one_in_which_a_bit_changed(backup: Path, into: DataFolder, name: str) -> None:
    with tarfile.open(backup) as tar:
        place = tar.getmember(name).offset_data
    content = bytearray(backup.read_bytes())
    content[place + 10] ^= 1
    backup.write_bytes(content)

    assert f"{name} is not as it was put in" in refusal(backup, into)


def _named(name: str) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        member, content = members[SECRET_KEY]
        member.name = name
        members["more"] = (member, content)
        del members[SECRET_KEY]

    return change


def _linked(kind: bytes) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        member, _ = members[SECRET_KEY]
        member.type, member.linkname = kind, "/etc/hostname"

    return change


def _twice(members: Members) -> None:
    members["again"] = members[SECRET_KEY]


def _longer(members: Members) -> None:
    member, content = members[SECRET_KEY]
    member.size += 1
    members[SECRET_KEY] = (member, content + b"x")


def _without_database(members: Members) -> None:
    del members[DATABASE]


CHANGES: dict[str, tuple[Callable[[Members], None], str]] = {
    "a path upwards": (_named("../../outside"), "'../../outside' does not belong in it"),
    "an absolute path": (_named("/tmp/outside"), "'/tmp/outside' does not belong in it"),
    "a path upwards to a right name": (_named(f"../{SECRET_KEY}"), "does not belong in it"),
    "a symbolic link": (_linked(tarfile.SYMTYPE), "does not belong in it"),
    "a hard link": (_linked(tarfile.LNKTYPE), "does not belong in it"),
    "a device": (_linked(tarfile.CHRTYPE), "does not belong in it"),
    "the same twice": (_twice, "does not belong in it"),
    "no database": (_without_database, "its files are ['secret_key']"),
    "another size": (_longer, "secret_key has another size"),
}


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES.keys())
def test_one_that_somebody_wrote(
    tmp_path: Path, backup: Path, into: DataFolder, change: Callable[[Members], None], reason: str
) -> None:
    before = {path for path in tmp_path.parent.rglob("*") if tmp_path in path.parents}

    said = refusal(little.rewritten(backup, change), into)

    assert "is damaged" in said and reason in said
    assert {path for path in tmp_path.parent.rglob("*") if tmp_path in path.parents} == before


def _manifest(**members: object) -> Callable[[Members], None]:
    def change(of: Members) -> None:
        member, content = of[MANIFEST]
        encoded = msgspec.json.encode({**msgspec.json.decode(content), **members})
        member.size = len(encoded)
        of[MANIFEST] = (member, encoded)

    return change


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        (SECRET_KEY, {}),
        ("../outside", {"../outside": {"bytes": len(little.KEY), "sha256": "0" * 64}}),
    ],
)
def test_a_manifest_of_no_backup(
    backup: Path, into: DataFolder, name: str, listed: dict[str, object]
) -> None:
    """It goes with what is in the archive: a path upwards, or the key without a database."""

    def change(members: Members) -> None:
        files = msgspec.json.decode(members[MANIFEST][1])["files"]
        kept = DATABASE if listed else SECRET_KEY
        if not listed:
            del members[DATABASE]
        _named(name)(members)
        _manifest(files={kept: files[kept], **listed})(members)

    assert "is damaged: its files are" in refusal(little.rewritten(backup, change), into)


def test_one_in_the_form_of_a_later_hub(backup: Path, into: DataFolder) -> None:
    little.rewritten(backup, _manifest(format_version=2, hub="9.1.0"))

    said = refusal(backup, into)

    assert "made by AISP Hub 9.1.0" in said and "Restore it with that version" in said


@pytest.mark.parametrize("migration", [("hub", "9999_from_tomorrow"), ("tomorrow", "0001_initial")])
def test_one_with_the_schema_of_a_later_hub(
    tmp_path: Path, into: DataFolder, migration: tuple[str, str]
) -> None:
    backup = little.backed_up(tmp_path, migration=migration)

    said = refusal(backup, into)

    assert ".".join(migration) in said and "later hub" in said


def test_one_without_a_hub_in_it(backup: Path, into: DataFolder) -> None:
    little.rewritten(backup, _manifest(migrations=[]))

    assert "without tables of a hub" in refusal(backup, into)
