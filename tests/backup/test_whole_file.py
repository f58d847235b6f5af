"""A file gets its name when it is whole, and never that of another."""

import errno
import os
from pathlib import Path

import pytest

from hub.backup.fault import Fault
from hub.backup.whole_file import written_whole


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A name that is free."""
    return tmp_path / "backup"


def test_it_has_no_name_until_it_is_whole(target: Path) -> None:
    with written_whole(target, force=False) as draft:
        draft.write_text("half")
        assert not target.exists()
        assert draft.parent.stat().st_mode & 0o777 == 0o700, "others could read it meanwhile"

    assert target.read_text() == "half"
    assert list(target.parent.iterdir()) == [target]


def test_whoever_made_it_readable_for_others_did_so_in_vain(target: Path) -> None:
    with written_whole(target, force=False) as draft:
        draft.write_text("secret")
        draft.chmod(0o644)

    assert target.stat().st_mode & 0o777 == 0o600


def test_a_name_that_is_taken_meanwhile_is_left_to_whom_it_is_of(target: Path) -> None:
    with pytest.raises(Fault, match="is there already"), written_whole(target, force=False) as draft:
        draft.write_text("mine")
        target.write_text("theirs")

    assert target.read_text() == "theirs"
    assert list(target.parent.iterdir()) == [target]


def test_with_force_it_is_replaced_in_one_step(target: Path) -> None:
    target.write_text("before")

    with written_whole(target, force=True) as draft:
        draft.write_text("after")
        assert target.read_text() == "before"

    assert target.read_text() == "after"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "There is no room for"),
        (errno.EDQUOT, "There is no room for"),
        (errno.EFBIG, "There is no room for"),
        (errno.EIO, "cannot be written: Input/output error"),
    ],
)
def test_what_the_disk_says_is_passed_on_and_nothing_is_left(target: Path, number: int, said: str) -> None:
    with pytest.raises(Fault, match=said), written_whole(target, force=False) as draft:
        draft.write_text("half")
        raise OSError(number, os.strerror(number))

    assert list(target.parent.iterdir()) == []
