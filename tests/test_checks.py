"""System checks, and what the environment has to say before the hub starts."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_django import Settings

from hub import checks

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("origin", ["https://hub.example.com", "https://hub.example.com:8443"])
def test_a_good_origin_passes(settings: Settings, origin: str) -> None:
    settings.HUB_ORIGIN, settings.HUB_EMBEDDED, settings.DEBUG = origin, False, False

    assert checks.check_origin() == []


@pytest.mark.parametrize(
    "origin", ["", "hub.example.com", "ftp://x", "https://", "https://x/hub", "https://x?a=1", "//x"]
)
def test_what_is_no_origin_is_an_error(settings: Settings, origin: str) -> None:
    settings.HUB_ORIGIN = origin

    assert [(found.id, bool(found.hint)) for found in checks.check_origin()] == [("hub.E001", True)]


def test_a_hosted_hub_without_tls_is_warned_of(settings: Settings) -> None:
    settings.HUB_ORIGIN, settings.HUB_EMBEDDED, settings.DEBUG = "http://hub.example.com", False, False
    assert [found.id for found in checks.check_origin()] == ["hub.W001"]

    settings.HUB_EMBEDDED = True
    assert checks.check_origin() == []


@pytest.mark.parametrize(("threads", "found"), [(0, 1), (-1, 1), (1, 0), (4, 0), (64, 0), (65, 1)])
def test_the_number_of_threads_is_checked(settings: Settings, threads: int, found: int) -> None:
    settings.HUB_REQUEST_THREADS = threads

    assert [error.id for error in checks.check_request_threads()] == ["hub.E002"] * found


@pytest.mark.parametrize(
    ("origins", "wrong"),
    [
        ([], []),
        (["https://a.example.com", "http://localhost:3000"], []),
        (["*"], ["'*'"]),
        (["https://a.example.com/"], ["'https://a.example.com/'"]),
        (["https://ok.example.com", "a.example.com"], ["'a.example.com'"]),
        (["https://*.example.com"], ["'https://*.example.com'"]),
    ],
)
def test_cors_origins_are_checked(settings: Settings, origins: list[str], wrong: list[str]) -> None:
    settings.CORS_ALLOWED_ORIGINS = origins

    found = checks.check_cors_origins()

    assert [error.id for error in found] == ["hub.E003"] * len(wrong)
    assert [str(error.msg).split(" is not")[0] for error in found] == wrong


@pytest.mark.parametrize(
    ("name", "seconds", "wrong"),
    [
        ("HUB_STATEMENT_SECONDS", 0.5, False),
        ("HUB_STATEMENT_SECONDS", 0, True),
        ("HUB_STATEMENT_SECONDS", float("nan"), True),
        ("HUB_DRAIN_SECONDS", 0, False),
        ("HUB_DRAIN_SECONDS", 4, False),
        ("HUB_DRAIN_SECONDS", 60, True),
        ("HUB_DRAIN_SECONDS", -1, True),
    ],
)
def test_seconds_are_checked(settings: Settings, name: str, seconds: float, wrong: bool) -> None:
    setattr(settings, name, seconds)

    assert [name in str(error.msg) for error in checks.check_patience()] == [True] * wrong


def test_a_hosted_hub_without_redis_is_warned_of(settings: Settings) -> None:
    settings.HUB_EMBEDDED = False
    if hasattr(settings, "CHANNEL_LAYERS"):
        assert checks.check_wake_ups() == []
        del settings.CHANNEL_LAYERS
    assert [found.id for found in checks.check_wake_ups()] == ["hub.W002"]

    settings.HUB_EMBEDDED = True
    assert checks.check_wake_ups() == []


def start(data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the system checks in a process with this environment alone."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", "from config import env; print(env.secret_key())"],
        cwd=ROOT,
        env={**inherited, "HUB_DATA_DIR": str(data), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize("server", ["DATABASE_URL", "REDIS_URL"])
def test_a_hosted_hub_does_not_start_without_a_secret_key(tmp_path: Path, server: str) -> None:
    hosted = {server: "postgres://nobody@127.0.0.1/none"}

    stopped = start(tmp_path, **hosted)

    assert stopped.returncode != 0
    assert "SECRET_KEY is not set" in stopped.stderr
    assert "secrets.token_urlsafe" in stopped.stderr
    assert list(tmp_path.iterdir()) == []
    assert start(tmp_path, **hosted, SECRET_KEY="given").stdout == "given\n"


def test_an_embedded_hub_makes_its_secret_key_and_keeps_it(tmp_path: Path) -> None:
    data = tmp_path / "var"

    with ThreadPoolExecutor(3) as threads:
        first, second, _ = threads.map(start, [data] * 3)

    assert first.returncode == 0, first.stderr
    assert len(first.stdout.strip()) >= 50
    assert first.stdout == second.stdout
    assert [(path.name, oct(path.stat().st_mode)[-3:]) for path in data.iterdir()] == [("secret_key", "600")]


def test_manage_py_stops_with_the_message_too(tmp_path: Path) -> None:
    stopped = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": "postgres://x@127.0.0.1/x"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert stopped.returncode != 0
    assert "SECRET_KEY is not set" in stopped.stderr
