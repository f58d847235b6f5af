"""Secrets that come from files: `SECRET_KEY_FILE` names the file that has `SECRET_KEY`."""

import os
import runpy
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.secret_files import SECRETS

ROOT = Path(__file__).parent.parent
CANARY = "canary-7f3a"


@pytest.fixture(autouse=True)
def _a_bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "var"))


def read() -> dict[str, Any]:
    """Read the environment anew, as a process does that starts, and return what `config.env` makes of it."""
    return runpy.run_path(str(ROOT / "config/env.py"))


@pytest.mark.parametrize(
    ("name", "content", "setting", "value"),
    [
        ("SECRET_KEY_FALLBACKS", "one,two\n", "SECRET_KEY_FALLBACKS", ["one", "two"]),
        (
            "DATABASE_URL",
            "postgres://hub:a%20b@db:5432/hub\n",
            "DATABASE_URL",
            "postgres://hub:a%20b@db:5432/hub",
        ),
        ("REDIS_URL", "redis://:pass@redis:6379/0", "REDIS_URL", "redis://:pass@redis:6379/0"),
        ("HUB_METRICS_TOKEN", "token\n", "METRICS_TOKEN", "token"),
    ],
)
def test_a_file_is_as_good_as_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, content: str, setting: str, value: object
) -> None:
    file = tmp_path / "secret"
    file.write_text(content)
    monkeypatch.setenv(f"{name}_FILE", str(file))

    assert read()[setting] == value


def test_the_mail_server_is_read_from_a_file_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("smtp+tls://user:pass@mail.example.com:587\n")
    monkeypatch.setenv("EMAIL_URL_FILE", str(tmp_path / "mail"))

    mail = read()["MAIL"]

    assert (mail["EMAIL_HOST"], mail["EMAIL_HOST_PASSWORD"]) == ("mail.example.com", "pass")


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("key\n", "key"),
        ("key\r\n", "key"),
        ("key", "key"),
        ("key\n\n", "key\n"),
        (" key ", " key "),
        ("$HOME", "$HOME"),
        (r"a\$b$", r"a\$b$"),
    ],
)
def test_one_newline_at_the_end_is_dropped_and_nothing_else_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, key: str
) -> None:
    (tmp_path / "key").write_bytes(content.encode())
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))

    assert read()["secret_key"]() == key


def test_a_key_in_the_variable_may_begin_with_a_dollar_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", r"$a\$b")

    assert read()["secret_key"]() == r"$a\$b"


@pytest.mark.parametrize("name", SECRETS)
def test_of_a_variable_and_its_file_only_one_may_be_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret").write_text(CANARY)
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv(name, CANARY)

    with pytest.raises(ImproperlyConfigured) as refused:
        read()

    assert str(refused.value) == f"{name} and {name}_FILE are both set. Set one of them."


@pytest.mark.parametrize("unset", ["SECRET_KEY", "SECRET_KEY_FILE"])
def test_an_empty_variable_counts_as_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unset: str
) -> None:
    (tmp_path / "key").write_text("key")
    monkeypatch.setenv("SECRET_KEY", "key")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv(unset, "")

    assert read()["secret_key"]() == "key"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "SECRET_KEY_FILE: cannot read {path}: No such file or directory."),
        (b"", "SECRET_KEY_FILE: {path} is empty."),
        (b"\n", "SECRET_KEY_FILE: {path} is empty."),
        (CANARY.encode() + b"\xff", "SECRET_KEY_FILE: {path} is not UTF-8 text."),
    ],
)
def test_a_bad_file_is_named_and_its_content_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, says: str
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("SECRET_KEY_FILE", str(path))

    with pytest.raises(ImproperlyConfigured) as refused:
        read()

    assert str(refused.value) == says.format(path=path)
    assert "UnicodeDecodeError" not in "".join(traceback.format_exception(refused.value)), (
        "it holds the content"
    )


def test_a_folder_is_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path))

    with pytest.raises(
        ImproperlyConfigured, match=f"^REDIS_URL_FILE: cannot read {tmp_path}: Is a directory"
    ):
        read()


def test_a_hosted_hub_starts_on_files_alone(tmp_path: Path) -> None:
    """With nothing in the environment of the process that is secret, where others could read it."""
    contents = {"SECRET_KEY": CANARY, "DATABASE_URL": "postgres://hub:pw@127.0.0.1/hub"}
    variables = {"PATH": os.environ["PATH"], "HUB_ORIGIN": "https://hub.example.com"}
    for name, content in contents.items():
        (tmp_path / name).write_text(f"{content}\n")
        variables[f"{name}_FILE"] = str(tmp_path / name)
    script = (
        "from config import settings\n"
        "print(settings.HUB_EMBEDDED, settings.SECRET_KEY, settings.DATABASES['default']['PASSWORD'])"
    )

    started = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=variables, capture_output=True, text=True
    )

    assert started.stdout == f"False {CANARY} pw\n", started.stderr
