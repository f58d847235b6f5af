"""What the environment says, and what follows from it."""

import runpy
from pathlib import Path

import pytest

ENV = Path(__file__).parent.parent / "config" / "env.py"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1", "http://localhost:8123"),
        ("::1", "http://localhost:8123"),
        ("0.0.0.0", "http://localhost:8123"),
        ("hub.lan", "http://hub.lan:8123"),
    ],
)
def test_the_embedded_hub_goes_by_a_name_that_a_browser_can_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, origin: str
) -> None:
    for name in ("HUB_ORIGIN", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOST": host, "PORT": "8123", "HUB_DATA_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)

    assert runpy.run_path(str(ENV))["ORIGIN"] == origin
