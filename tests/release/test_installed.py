"""The wheel, installed and started outside the checkout: the same hub as the one that `make run` starts."""

import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from hub.version import VERSION
from tests import processes
from tests.release.conftest import Built
from tests.servers import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.deployment

PACKAGES = sysconfig.get_path("purelib")


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel, and an empty folder to start the hub in."""

    bin: Path
    folder: Path

    def run(self, *arguments: str) -> str:
        """Run `aisp-hub` in the folder and return what it writes on standard output."""
        command = [str(self.bin / "aisp-hub"), *arguments]
        done = subprocess.run(command, cwd=self.folder, env={}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


@dataclass(frozen=True)
class Running:
    """A hub on its first start: what it has written so far, and its address."""

    said: str
    base: str


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in a virtual environment of its own, with the packages that the tests run on."""
    place = tmp_path_factory.mktemp("installed")
    venv, folder = place / "venv", place / "empty"
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    # Nothing is downloaded: the hub's dependencies are where those of the tests are.
    [site_packages] = venv.glob("lib/python*/site-packages")
    (site_packages / "dependencies.pth").write_text(f"{PACKAGES}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin/python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", str(built.wheel)], check=True)
    return Installed(venv / "bin", folder)


@pytest.fixture(scope="module")
def hub(installed: Installed) -> Iterator[Running]:
    """`aisp-hub up` in the empty folder; ended by SIGTERM, as a service is."""
    port = free_port()
    log = installed.folder.with_name("log")
    with log.open("wb") as output:
        process = processes.start(
            [installed.bin / "aisp-hub", "up"],
            cwd=installed.folder,
            env={"PORT": str(port)},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: "startup complete" in log.read_text() or process.poll() is not None, seconds=60)
        assert process.poll() is None, log.read_text()
        yield Running(log.read_text(), f"http://localhost:{port}")
        assert processes.end(process) in (0, -signal.SIGTERM)
    finally:
        processes.end(process, signal.SIGKILL)


def test_the_command_is_that_of_the_wheel(installed: Installed) -> None:
    script = "import config, accounts, hub, realms; print(config.__file__, hub.__file__)"
    command = [str(installed.bin / "python"), "-c", script]
    where = subprocess.run(command, cwd=installed.folder, capture_output=True, text=True, check=True).stdout

    assert all(path.startswith(str(installed.bin.parent)) for path in where.split())
    assert installed.run("version") == f"AISP Hub {VERSION}\n"


def test_the_first_start_shows_the_key_and_the_quickstart(hub: Running) -> None:
    assert "This is the first start." in hub.said
    assert re.search(r"API key   aisp_[0-9A-Za-z]{38}\n", hub.said)
    assert "Alice writes to Bob" in hub.said
    assert f"AISP Hub on {hub.base} " in hub.said


@pytest.mark.parametrize(
    ("path", "has"),
    [
        ("/livez", ""),
        ("/readyz", ""),
        ("/accounts/login/", "<h1"),
        ("/docs", "Quickstart"),
        ("/docs/production", "HUB_ORIGIN"),
        ("/static/hub/hub.css", "{"),
        ("/static/admin/css/base.css", "{"),
        ("/api/v1/schema", f'"version":"{VERSION}"'),
    ],
)
def test_pages_and_static_files_are_served_from_the_wheel(hub: Running, path: str, has: str) -> None:
    answer = httpx.get(f"{hub.base}{path}", headers={"Accept": "application/json, */*"})

    assert answer.status_code == 200
    assert has in answer.text


def test_the_key_that_was_printed_opens_the_api(hub: Running) -> None:
    [key] = set(re.findall(r"aisp_[0-9A-Za-z]{38}", hub.said))
    session = {"name": "alice", "kind": "service"}

    answer = httpx.post(f"{hub.base}/api/v1/sessions", json=session, headers={"X-AISP-Key": key})

    assert (answer.status_code, answer.json()["name"]) == (200, "alice")


def test_its_data_is_where_it_was_started(installed: Installed, hub: Running) -> None:
    assert [path.name for path in installed.folder.iterdir()] == ["var"]
    assert {"hub.sqlite3", "secret_key"} <= {path.name for path in (installed.folder / "var").iterdir()}


def test_commands_work_on_the_same_data(installed: Installed, hub: Running) -> None:
    key = installed.run(
        "apikey", "issue", "--realm", "default", "--owner", "owner@localhost", "--name", "second"
    )

    answer = httpx.get(f"{hub.base}/api/v1/sessions", headers={"X-AISP-Key": key.strip()})

    assert answer.status_code == 200
