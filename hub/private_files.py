"""The files of a hub on a laptop are for its user alone, those of earlier versions too."""

import stat
from contextlib import suppress
from pathlib import Path

import structlog

OTHERS = stat.S_IRWXG | stat.S_IRWXO

log = structlog.get_logger(__name__)


def tighten(folder: Path) -> None:
    """Close a folder and all in it to other users, and say so if something was open."""
    closed = 0
    for path in (folder, *folder.rglob("*")):
        mode = path.lstat().st_mode
        if mode & OTHERS and not stat.S_ISLNK(mode):
            with suppress(PermissionError):  # somebody else's, in a folder that is closed by now
                path.chmod(stat.S_IMODE(mode) & ~OTHERS)
                closed += 1
    if closed:
        log.warning(
            "other users could open the data folder; it is closed now", folder=str(folder), files=closed
        )
