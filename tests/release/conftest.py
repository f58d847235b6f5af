"""Fixtures: what is built from a checkout in which things lie about that are nobody's business."""

import os
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
    "config/.env",
    "static/.env",
    "deploy/.env",
    "deploy/hub.env",
    "deploy/secrets/secret_key",
    "deploy/tls/key.pem",
)


@dataclass(frozen=True)
class Built:
    """The files of a release."""

    sdist: Path
    wheel: Path
    sbom: Path
    licenses: Path


def release(checkout: Path) -> None:
    """Do in a checkout what `make release` does."""
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    command = [sys.executable, ".ci/release.py"]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """A release of a checkout that somebody works in, and that is no repository."""
    copy = tmp_path_factory.mktemp("release") / "checkout"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    for name in LYING_ABOUT:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text(CANARY)
    release(copy)
    kinds = ("*.tar.gz", "*.whl", "*.cdx.json", "*.licenses.json")
    yield Built(*(path for kind in kinds for path in (copy / "dist").glob(kind)))
    shutil.rmtree(copy)
