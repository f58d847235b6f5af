"""The wheel and the source archive: all that the hub needs is in them, and nothing else."""

import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from hub.version import VERSION
from tests.release.conftest import CANARY, LYING_ABOUT, ROOT, Built

pytestmark = pytest.mark.deployment

METADATA = f"aisp_hub-{VERSION}.dist-info"
IN_WHEEL = {
    "accounts": "accounts",
    "config": "config",
    "hub": "hub",
    "realms": "realms",
    "static": "config/static",
    "templates": "config/templates",
}


def files_in(folder: Path) -> set[str]:
    """Return the paths of the files of a folder in the checkout, seen from there, without Python's caches."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def members_of(sdist: Path) -> set[str]:
    """Return the paths in a source archive, seen from its one folder."""
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_the_wheel_holds_the_packages_with_pages_templates_and_static_files_and_nothing_else(
    built: Built,
) -> None:
    expected = {f"{there}/{file}" for here, there in IN_WHEEL.items() for file in files_in(ROOT / here)}

    with zipfile.ZipFile(built.wheel) as wheel:
        named = {name for name in wheel.namelist() if not name.startswith(METADATA)}
        assert not [name for name in wheel.namelist() if CANARY.encode() in wheel.read(name)]

    assert {
        "hub/management/quickstart.sh",
        "hub/docs/pages/concepts/grant.md",
        "config/templates/base.html",
        "config/static/hub/hub.css",
        "hub/migrations/0001_initial.py",
    } <= expected
    assert named == expected


def test_the_source_archive_holds_what_builds_and_tests_it_but_not_what_lies_about(built: Built) -> None:
    members = members_of(built.sdist)

    assert {
        "Makefile",
        "manage.py",
        "requirements.lock",
        "LICENSE",
        "tests/cast.py",
        ".ci/lock.py",
        "deploy/Dockerfile",
        ".dockerignore",
    } <= members
    assert members.isdisjoint(LYING_ABOUT)


def test_the_metadata_says_what_it_is(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        metadata = Parser().parsestr(wheel.read(f"{METADATA}/METADATA").decode())
        scripts = wheel.read(f"{METADATA}/entry_points.txt").decode()

    assert (metadata["Name"], metadata["Version"]) == ("aisp-hub", VERSION)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "aisp-hub = hub.command:main" in scripts
