"""The quickstart, word for word: the README shows what `make run` prints, and it works."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent
QUICKSTART = (ROOT / "hub/management/quickstart.sh").read_text()

embedded_only = pytest.mark.skipif(
    not settings.HUB_EMBEDDED, reason="`make run` is the embedded mode, on SQLite"
)


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `manage.py up` prints on the first start of a hub, which runs meanwhile."""
    folder = tmp_path_factory.mktemp("var")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    environment = {**kept, "HUB_DATA_DIR": str(folder), "PORT": str(port)}
    log = folder / "log"
    with log.open("wb") as output:
        hub = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        wait_until(lambda: "running on" in log.read_text() or hub.poll() is not None, seconds=60)
        assert hub.poll() is None, log.read_text()
        yield log.read_text()
        hub.send_signal(signal.SIGTERM)
        assert hub.wait(timeout=20) in (0, -signal.SIGTERM)
        assert "aisp_" not in log.read_text().split("AISP Hub on", 1)[1], "a key in the log"
    finally:
        hub.kill()


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
def test_it_can_be_typed_again(first_start: str) -> None:
    """Both agents have left, so that their names are free."""
    found = re.search(r"export HUB=(\S+) KEY=(\S+)", first_start)
    assert found
    sessions = httpx.get(f"{found[1]}/api/v1/sessions", headers={"X-AISP-Key": found[2]})

    assert sessions.json() == {"sessions": [], "total": 0}
