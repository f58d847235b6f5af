"""Fixtures: what is built from a checkout in which things lie about that are nobody's business."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_COPIED = shutil.ignore_patterns(".venv", ".git", "var", "dist", "__pycache__", ".*_cache")
CANARY = "canary-of-a-checkout"
# What lies about in a checkout that somebody works in.
LYING_ABOUT = (
    ".env",
    ".git/config",
    "var/secret_key",
    "var/hub.sqlite3",
    "hub.sqlite3",
    "notes.txt",
    "config/__pycache__/settings.cpython-311.pyc",
)


@dataclass(frozen=True)
class Built:
    """The two files of a release."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The source archive of an untidy checkout, and the wheel made of that archive."""
    copy = tmp_path_factory.mktemp("release") / "checkout"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    for name in LYING_ABOUT:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text(CANARY)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [sdist], [wheel] = (copy / "dist").glob("*.tar.gz"), (copy / "dist").glob("*.whl")
    yield Built(sdist, wheel)
    shutil.rmtree(copy)
