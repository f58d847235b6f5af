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


def test_a_hosted_hub_without_a_mail_server_is_warned_of(settings: Settings) -> None:
    settings.EMAIL_BACKEND, settings.HUB_EMBEDDED = "django.core.mail.backends.console.EmailBackend", False
    assert [found.id for found in checks.check_mail()] == ["hub.W006"]

    settings.HUB_EMBEDDED = True
    assert checks.check_mail() == []
    settings.EMAIL_BACKEND, settings.HUB_EMBEDDED = "django.core.mail.backends.smtp.EmailBackend", False
    assert checks.check_mail() == []


@pytest.mark.parametrize(
    ("proxies", "wrong"),
    [
        (["127.0.0.1"], []),
        (["*"], []),
        ([], []),
        (["10.0.3.7", "172.30.9.0/24", "fd00::/8"], []),
        (["10.0.3.7", "proxy.internal"], ["'proxy.internal'"]),
        (["10.0.3.7/8"], ["'10.0.3.7/8'"]),
        (["10.0.3.0/33"], ["'10.0.3.0/33'"]),
        (["*", "10.0.3.7"], ["'*'"]),  # not alone, uvicorn takes it for a name
    ],
)
def test_what_is_no_proxy_is_an_error(settings: Settings, proxies: list[str], wrong: list[str]) -> None:
    settings.HUB_TRUSTED_PROXIES = proxies

    found = checks.check_trusted_proxies()

    assert [error.id for error in found] == ["hub.E008"] * len(wrong)
    assert [str(error.msg).split(" has ")[1].split(", which")[0] for error in found] == wrong


@pytest.mark.parametrize(
    ("proxies", "wide"),
    [
        (["127.0.0.1"], []),
        (["10.0.0.0/8", "104.16.0.0/13", "fd00::/16"], []),
        (["*"], ["'*'"]),
        (["10.0.3.7", "0.0.0.0/0", "::/0"], ["'0.0.0.0/0'", "'::/0'"]),
        (["0.0.0.0/1", "8000::/1"], ["'0.0.0.0/1'", "'8000::/1'"]),
    ],
)
def test_proxies_that_any_client_could_be_are_warned_of(
    settings: Settings, proxies: list[str], wide: list[str]
) -> None:
    settings.HUB_TRUSTED_PROXIES = proxies

    found = checks.check_forged_addresses()

    assert [(warning.id, "such as" in str(warning.hint)) for warning in found] == [("hub.W003", True)] * len(
        wide
    )
    assert [str(warning.msg).split(" has ")[1].split(": any")[0] for warning in found] == wide


@pytest.mark.parametrize(
    ("host", "proxies", "warned"),
    [
        ("0.0.0.0", ["127.0.0.1"], True),
        ("::", ["127.0.0.1", "::1"], True),
        ("10.0.3.9", ["127.0.0.0/8"], True),
        ("0.0.0.0", [], True),
        ("0.0.0.0", ["127.0.0.1", "10.0.3.7"], False),
        ("0.0.0.0", ["*"], False),  # a warning of its own
        ("127.0.0.1", ["127.0.0.1"], False),
        ("::1", ["127.0.0.1"], False),
        ("localhost", ["127.0.0.1"], False),
    ],
)
def test_a_hosted_hub_that_does_not_know_its_proxy_is_warned_of(
    settings: Settings, host: str, proxies: list[str], warned: bool
) -> None:
    settings.HUB_EMBEDDED, settings.HUB_HOST, settings.HUB_TRUSTED_PROXIES = False, host, proxies

    assert [warning.id for warning in checks.check_proxy_elsewhere()] == ["hub.W004"] * warned

    settings.HUB_EMBEDDED = True
    assert checks.check_proxy_elsewhere() == []


@pytest.mark.parametrize(
    ("origin", "allowed", "warned"),
    [
        ("https://hub.example.com", ["hub.example.com"], False),
        ("https://hub.example.com:8443", ["hub.example.com"], False),
        ("https://hub.example.com", [".example.com"], False),
        ("https://hub.example.com", ["*"], False),
        ("https://[::1]:8443", ["[::1]"], False),
        ("https://hub.example.com", ["example.com", "localhost"], True),
        ("https://hub.example.com", [], True),
    ],
)
def test_an_origin_that_pages_do_not_answer_to_is_warned_of(
    settings: Settings, origin: str, allowed: list[str], warned: bool
) -> None:
    settings.HUB_ORIGIN, settings.ALLOWED_HOSTS, settings.DEBUG = origin, allowed, False

    assert [warning.id for warning in checks.check_allowed_hosts()] == ["hub.W005"] * warned

    settings.DEBUG = True  # Django then answers to this machine's names by itself
    assert checks.check_allowed_hosts() == []


def test_check_deploy_says_what_the_environment_has_wrong(tmp_path: Path) -> None:
    """The variables reach the checks, and the checks of `--deploy` are found."""
    environment = {
        "PATH": os.environ["PATH"],
        "HUB_DATA_DIR": str(tmp_path),
        "DATABASE_URL": "postgres://x@127.0.0.1/x",
        "REDIS_URL": "redis://127.0.0.1",
        "SECRET_KEY": "tests-only-" + "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
        "HUB_ORIGIN": "https://hub.example.com",
        "ALLOWED_HOSTS": "hub.example.com",
        "EMAIL_URL": "smtp://127.0.0.1",
    }

    def check(**more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level=WARNING"]
        return subprocess.run(
            command, cwd=ROOT, env={**environment, **more}, capture_output=True, text=True, timeout=60
        )

    right = check(HOST="0.0.0.0", FORWARDED_ALLOW_IPS=" 10.0.3.7, 172.30.9.0/24")
    assert right.returncode == 0, right.stderr
    wrong = check(HOST="0.0.0.0", ALLOWED_HOSTS="example.com")
    assert wrong.returncode == 1
    assert "hub.W006" in check(EMAIL_URL="consolemail://").stderr
    assert [number for number in ("W003", "W004", "W005") if number in wrong.stderr] == ["W004", "W005"]
    assert "hub.W003" in check(FORWARDED_ALLOW_IPS="*").stderr
    assert "hub.E008" in check(FORWARDED_ALLOW_IPS="proxy.internal").stderr


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
