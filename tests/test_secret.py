"""Secrets come from the environment or from files, as they stand."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.secret import secret

NAME = "HUB_SECRET_OF_A_TEST"


@pytest.mark.parametrize("value", ["plain", "$HOME", "with = and # and spaces", "ünïcode", '"quoted"'])
def test_a_value_is_taken_as_it_stands(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, value)
    assert secret(NAME) == value
    monkeypatch.delenv(NAME)
    (tmp_path / "file").write_text(value)
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "file"))
    assert secret(NAME) == value


def test_one_newline_at_the_end_of_a_file_is_the_editors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("two\n\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "file"))

    assert secret(NAME) == "two\n"


def test_what_is_not_set_is_empty() -> None:
    assert secret(NAME) == ""


def test_both_at_once_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "value")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "file"))

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} and {NAME}_FILE are both set"):
        secret(NAME)


@pytest.mark.parametrize("content", [None, b"\xff\xfe secret"], ids=["missing", "no text"])
def test_a_file_that_cannot_be_read_is_named_and_not_quoted(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(f"{NAME}_FILE", str(path))

    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE is {path}, which cannot be read") as refused:
        secret(NAME)

    assert "secret" not in str(refused.value)
