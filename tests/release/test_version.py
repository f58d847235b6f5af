"""Everything that says the hub's version says the one of `hub/version.py`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.api.schema import document
from hub.version import VERSION
from tests.admin.conftest import operator
from tests.admin.pages import Pages

__all__ = ["operator"]

ROOT = Path(__file__).parents[2]
SECRETS = {
    "SECRET_KEY": "canary-of-the-key",
    "DATABASE_URL": "postgres://canary-of-the-user:canary-of-the-database@127.0.0.1:1/hub",
    "REDIS_URL": "redis://:canary-of-redis@127.0.0.1:1/0",
    "EMAIL_URL": "smtp://canary:canary@mail.example.com",
}


def run(*arguments: str, **variables: str) -> str:
    """Run `manage.py` with these arguments and variables alone, and return what it writes."""
    command = [sys.executable, "manage.py", *arguments]
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_command_says_it_alone_even_if_the_settings_are_bad(arguments: list[str]) -> None:
    assert run(*arguments, DATABASE_URL="postgres://hub@127.0.0.1:1/hub") == f"AISP Hub {VERSION}\n"


def test_for_a_report_it_says_what_the_hub_runs_on(tmp_path: Path) -> None:
    lines = run("version", "--verbosity", "2", HUB_DATA_DIR=str(tmp_path)).splitlines()

    said = dict(line.split(maxsplit=1) for line in lines[1:])
    assert lines[0] == f"AISP Hub {VERSION}"
    assert said["mode"] == "embedded"
    assert said["python"].endswith(".".join(map(str, sys.version_info[:3])))
    assert said["django"].startswith("5.2.")
    assert said["database"].startswith("SQLite 3.")
    assert "not installed" not in said.values()


def test_a_report_has_no_secret_and_comes_without_the_database_too() -> None:
    said = run("version", "--verbosity=2", **SECRETS)

    assert "PostgreSQL did not answer (OperationalError)" in said
    for hidden in ("canary", "127.0.0.1", "example.com"):
        assert hidden not in said


def test_help_knows_it_as_the_hubs() -> None:
    assert "version of the hub" in run("help", "version")


def test_the_schema_says_it() -> None:
    assert document()["info"]["version"] == VERSION


def test_the_admin_says_it_on_every_page(operator: Pages) -> None:
    for path in ("/admin/", "/admin/realms/realm/"):
        assert f"Operators · {VERSION}" in operator.browser.get(path).content.decode()
