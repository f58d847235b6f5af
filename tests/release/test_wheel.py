"""The wheel holds all that runs, and nothing else; installed somewhere, it runs."""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub.version import VERSION
from tests.live.processes import ROOT
from tests.servers import free_port
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", f"--outdir={folder}", str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, which borrows the packages that it needs from this one."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin/python"
    [packages] = [path for path in sys.path if path.endswith("site-packages")]
    where = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/borrowed.pth"
    (folder / where).write_text(packages + "\n")
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def files_in(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_it_holds_each_file_that_runs(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no checkout of git's")
    wanted = set()
    for name in listed.stdout.splitlines():
        top = name.split("/", 1)[0]
        if top in ("accounts", "config", "hub", "realms"):
            wanted.add(name)
        elif top in ("static", "templates"):
            wanted.add(f"config/{name}")

    assert wanted <= files_in(wheel)


def test_it_holds_nothing_else(wheel: Path) -> None:
    tops = {name.split("/", 1)[0] for name in files_in(wheel)}

    assert tops == {"accounts", "config", "hub", "realms", f"aisp_hub-{VERSION}.dist-info"}
    assert not [name for name in files_in(wheel) if re.search(r"secret_key|sqlite|\.pyc|/var/|\.env$", name)]


def test_it_says_its_version(installed: Path) -> None:
    said = subprocess.run([installed / "bin/aisp-hub", "version"], capture_output=True, text=True)

    assert said.stdout == f"AISP Hub {VERSION}\n"


@pytest.fixture
def hub(installed: Path, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The hub that the wheel runs in an empty folder: its address, and what it printed."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    environment = {**kept, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            [installed / "bin/aisp-hub", "up"], cwd=tmp_path, env=environment, stdout=said, stderr=said
        )
    base = f"http://localhost:{port}"

    def is_ready() -> bool:
        assert process.poll() is None, (tmp_path / "said").read_text()
        try:
            return httpx.get(f"{base}/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_until(is_ready, seconds=40)
        yield base, (tmp_path / "said").read_text()
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_it_runs_in_an_empty_folder(hub: tuple[str, str], tmp_path: Path) -> None:
    base, said = hub
    [key] = re.findall(r"API key\s+(aisp_\w+)", said)

    answer = httpx.post(
        f"{base}/api/v1/sessions", json={"name": "a", "kind": "service"}, headers={"X-AISP-Key": key}
    )
    assert answer.status_code == 200
    assert httpx.get(f"{base}/api/v1/schema").json()["info"]["version"] == VERSION
    page = httpx.get(f"{base}/accounts/login/")
    assert page.status_code == 200
    [sheet] = re.findall(r'<link rel="stylesheet"[^>]*href="(/static/[^"]+)"', page.text)[:1]
    assert httpx.get(base + sheet).status_code == 200
    assert httpx.get(f"{base}/docs/receive-messages").status_code == 200
    assert (tmp_path / "var/hub.sqlite3").exists()
