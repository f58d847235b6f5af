"""Files that get their names once they are whole, or never."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hub.backup.fault import Fault

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def written_whole(target: Path, *, force: bool) -> Iterator[Path]:
    """Give a path to write to; what was written there then gets the name `target`, in one step.

    The path lies in a folder beside `target` that only this user may look into, and that goes in the end with
    all that is in it. So a process that dies half-way leaves no file that could be taken for a backup.

    Args:
        force: whether a file of that name may be replaced.

    Raises:
        Fault: the name is taken, or the file cannot be written; also for an OSError in the `with` block.
    """
    _see_that_it_may_be_written(target, force=force)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
            draft = Path(folder) / "draft"
            yield draft
            draft.chmod(0o600)
            keep(draft)
            _give_name(draft, target, force=force)
    except OSError as error:
        raise Fault(_why(error, target)) from error


def keep(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _see_that_it_may_be_written(target: Path, *, force: bool) -> None:
    if not target.parent.is_dir():
        raise Fault(f"There is no folder {target.parent}. Make it first, for the hub's user alone.")
    if target.exists() and not force:
        raise Fault(_taken(target))


def _give_name(draft: Path, target: Path, *, force: bool) -> None:
    if not force:
        # Taken here rather than only looked for above: another backup may have come to the same name.
        # A hard link would do it too, but not every disk that people keep backups on has them.
        try:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            raise Fault(_taken(target)) from None
    draft.replace(target)
    keep(target.parent)


def _taken(target: Path) -> str:
    return f"{target} is there already. Choose another name, or replace it with --force."


def _why(error: OSError, target: Path) -> str:
    if error.errno in NO_ROOM:
        return f"There is no room for {target}: {error.strerror}."
    return f"{target} cannot be written: {error.strerror or error}."
