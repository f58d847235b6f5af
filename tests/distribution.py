"""How the tests are shared between workers: by file, or by folder where files share what is slow to make."""

from pathlib import PurePosixPath
from typing import Any

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling

# A restored hub, and the files of a release.
FOLDERS = ("tests/backup", "tests/release")


class ByFileOrFolder(LoadFileScheduling):
    """Gives a worker all tests of a file, or of a folder of `FOLDERS`."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        folder = PurePosixPath(file).parent.as_posix()
        return folder if folder in FOLDERS else file


class Distribution:
    """The part of pytest-xdist's controller that decides what runs where."""

    @pytest.hookimpl
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> ByFileOrFolder:
        """Return our scheduler."""
        return ByFileOrFolder(config, log)
