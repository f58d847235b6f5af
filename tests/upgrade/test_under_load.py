"""A hub is upgraded and set back while agents work, as deploy/README.md has it: nothing fails or is lost."""

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.deploy.stack import Stack, running_stack
from tests.deploy.traffic import Traffic, register
from tests.growth import rows
from tests.live.processes import ROOT
from tests.servers import Missing

# PostgreSQL and Redis are its own: on SQLite it would run a second time.
pytestmark = [pytest.mark.deployment, pytest.mark.postgres, pytest.mark.redis]

MESSAGES = 50_000  # are there before, so that the migrations have something to do


def git(*arguments: str) -> bytes:
    """Run git in this repository, or skip where there is none with its history."""
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        pytest.skip(f"The code of before is not at hand: {error}")


def release_before(folder: Path) -> Path:
    """Write the release before into a folder; without one, the code of before the newest migration."""
    earlier = ["--merged", "HEAD", "--no-contains", "HEAD"]
    tags = git("tag", "--list", "v*", *earlier, "--sort=-version:refname").decode().split()
    migrated = ["log", "-1", "--format=%H", "--diff-filter=A", "--", "*/migrations/0*.py"]
    commit = tags[0] if tags else git(*migrated).decode().strip() + "^"
    archive = git("archive", commit)
    subprocess.run(["tar", "x", "-C", str(folder)], input=archive, check=True)
    install_missing(folder)
    return folder


def install_missing(folder: Path) -> None:
    """Install beside this code the packages that it needs to run and that this release has no more."""
    locked = (folder / "requirements.lock").read_text().partition("# --- tracing only")[0]
    entries = re.split(r"\n(?=[\w])", locked.strip())
    missing = [entry for entry in entries if ";" not in entry.splitlines()[0] and not is_installed(entry)]
    if missing:
        (folder / "missing.txt").write_text("\n".join(missing) + "\n")
        uv = str(Path(sys.executable).with_name("uv"))
        install = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", str(folder)]
        subprocess.run([*install, "-r", str(folder / "missing.txt")], check=True)


def is_installed(entry: str) -> bool:
    """Tell whether the package of an entry of a lock is installed, in whatever version."""
    return bool(list(metadata.distributions(name=entry.partition("==")[0])))


def ends_without_loss(code: Path) -> bool:
    """Tell whether processes of this code answer what they are sent while they end."""
    return (code / "hub/live/listener.py").exists()


def replace_each(hub: Stack, traffic: Traffic, code: Path) -> None:
    for role in hub.roles.values():
        role.replace(code)
        traffic.goes_on()


def test_nobody_notices_an_upgrade_or_the_way_back(tmp_path: Path) -> None:
    """The proxy keeps its connections to the hub, as the deployed one does.

    `TEST_PROXY_CLOSES=1` has it open a connection for each request instead.
    """
    keep_alive = not os.environ.get("TEST_PROXY_CLOSES")
    before = tmp_path / "before"
    before.mkdir()
    release_before(before)
    try:
        with running_stack(tmp_path, code=before, keep_alive=keep_alive) as hub:
            with hub.client() as client:
                register(client, "alice")
            rows.add(hub.environment["DATABASE_URL"], MESSAGES, oldest="29 days", newest="1 hour")
            with Traffic(hub, "agent") as traffic:
                traffic.goes_on()
                hub.code = ROOT
                hub.manage("migrate", "-v0")
                traffic.goes_on()
                replace_each(hub, traffic, ROOT)
                print(f"{len(traffic.failed)} requests failed as the release before ended", *traffic.failed)
                if not ends_without_loss(before):
                    traffic.failed.clear()
                replace_each(hub, traffic, before)
                print(f"{traffic.rounds} rounds of four requests, {traffic.streams} streams")
                print(f"{len(traffic.failed)} requests failed as this one ended", *traffic.failed)

            assert "Traceback" not in hub.logs()
    except Missing as missing:
        pytest.skip(f"Missing: {missing}")
