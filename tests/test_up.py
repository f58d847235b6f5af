"""`manage.py up`, which `make run` starts: its quickstart, word for word, and its periodic work."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests import processes
from tests.servers import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent
QUICKSTART = (ROOT / "hub/management/quickstart.sh").read_text()

embedded_only = pytest.mark.sqlite  # `make run` is the embedded mode


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that an earlier version left open to others."""
    folder = tmp_path_factory.mktemp("var")
    (folder / "older").mkdir()
    for old in (folder / "older" / "backup.tar", folder / "older.sqlite3"):
        old.touch()
        old.chmod(0o644)
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def first_start(folder: Path) -> Iterator[str]:
    """What `manage.py up` prints on the first start of a hub, which runs meanwhile."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    environment = {**kept, "HUB_DATA_DIR": str(folder), "PORT": str(port)}
    log = folder / "log"
    with log.open("wb") as output:
        hub = processes.start(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        wait_until(lambda: "startup complete" in log.read_text() or hub.poll() is not None, seconds=60)
        assert hub.poll() is None, log.read_text()
        yield log.read_text()
        assert processes.end(hub) in (0, -signal.SIGTERM)
        assert "aisp_" not in log.read_text().split("AISP Hub on", 1)[1], "a key in the log"
    finally:
        processes.end(hub, signal.SIGKILL)


@embedded_only
def test_its_files_are_for_its_user_alone(first_start: str, folder: Path) -> None:
    files = [folder, *folder.rglob("*")]

    assert {"hub.sqlite3", "secret_key", "backup.tar"} <= {path.name for path in files}
    assert [path for path in files if path.stat().st_mode & 0o077] == []
    assert folder.stat().st_mode & 0o777 == 0o700
    assert first_start.count("other users could open the data folder") == 1


def test_the_readme_shows_the_quickstart_as_it_is() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)

    assert QUICKSTART in blocks


@embedded_only
def test_the_quickstart_works_as_it_is_printed(first_start: str) -> None:
    typed = first_start.split("second terminal:\n\n", 1)[1].split("AISP Hub on", 1)[0]
    assert typed.endswith(QUICKSTART)

    shell = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, timeout=60)

    said = shell.stdout
    assert not shell.stderr
    for expected in (
        r'"payload":\{"text":"Hello, Bob"\}\}\],"unread_count":1',
        r'event: message\nid: msg_\w{26}\ndata: .*"text":"Still there\?"',
        r'"status":"alive","latency_ms":\d+,"nonce":"n-1"',
        r'"written":1,"entries":\["project.name"\]',
        r'"namespace":"project.\*","status":"active"',
        r'"entries":\[\{"key":"project.name","value":"My Project"',
        r'"revoked":true',
        r'"code":"grant_required"',
    ):
        assert re.search(expected, said), f"{expected} is not in:\n{said}"
    assert said.count("Session deregistered.") == 2
    assert "internal_error" not in said


@embedded_only
def test_it_goes_by_a_name_as_passkeys_need_and_answers_to_the_address_too(first_start: str) -> None:
    origin = re.search(r"AISP Hub on (http://localhost:\d+) ", first_start)
    assert origin, first_start
    for base in (origin[1], origin[1].replace("localhost", "127.0.0.1")):
        with httpx.Client(base_url=base, headers={"Origin": base}) as browser:
            browser.get("/accounts/login/").raise_for_status()
            form = {"login": "nobody@localhost", "password": "wrong"}
            form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
            answer = browser.post("/accounts/login/", data=form)
            assert answer.status_code == 200 and "do not match" in answer.text


@embedded_only
def test_it_can_be_typed_again(first_start: str) -> None:
    """Both agents have left, so that their names are free."""
    found = re.search(r"export HUB=(\S+) KEY=(\S+)", first_start)
    assert found
    sessions = httpx.get(f"{found[1]}/api/v1/sessions", headers={"X-AISP-Key": found[2]})

    assert sessions.json() == {"sessions": [], "total": 0}


@embedded_only
def test_grants_expire_without_a_worker(first_start: str) -> None:
    """The one process does the periodic work too, and both sides hear of it."""
    found = re.search(r"export HUB=(\S+) KEY=(\S+)", first_start)
    assert found
    with httpx.Client(base_url=f"{found[1]}/api/v1", headers={"X-AISP-Key": found[2]}) as hub:
        ids = [
            hub.post("/sessions", json={"name": name, "kind": "service"}).json()["id"] for name in ("a", "b")
        ]
        soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        wish = {"to": ids[1], "capability": "memory.read", "namespace": "*", "expires_at": soon}
        asked = hub.post("/grants", json=wish, headers={"X-AISP-Session": ids[0]})
        assert asked.status_code == 200

        def told(session: str) -> bool:
            query = {"category": "grant", "peek": "true"}
            page = hub.get("/messages", params=query, headers={"X-AISP-Session": session}).json()
            return "expired" in [message["payload"]["event"] for message in page["messages"]]

        wait_until(lambda: all(map(told, ids)), seconds=20)
        for session in ids:
            hub.delete(f"/sessions/{session}")
