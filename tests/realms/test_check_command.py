"""`manage.py apikey check`: keys are found in a text without asking anybody.

These tests have no database: pytest-django would refuse a query.
"""

import io
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from realms.key_format import new_plaintext

ROOT = Path(__file__).parent.parent.parent
NOTHING_FOUND, FAILED = 1, 2  # as grep has it


def check(text: str | bytes, path: Path) -> tuple[int, list[list[str]], str]:
    """Return the exit code, the places and what else was said of a file with this content."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command("apikey", "check", str(path), stdout=out, stderr=err)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    return code, [line.split("\t") for line in out.getvalue().splitlines()], err.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the text goes."""
    return tmp_path / "some file.txt"


@pytest.fixture
def key() -> str:
    """A key that no hub has issued."""
    return new_plaintext()


def test_keys_are_told_by_place_and_last_four(path: Path, key: str) -> None:
    other = new_plaintext()
    text = f"# settings\nKEY={key}\n\n  first: '{other}', again: {key};\r\nlast {other}"

    code, places, err = check(text, path)

    assert (code, err) == (0, "")
    assert places == [
        ["2:5", f"aisp_…{key[-4:]}"],
        ["4:11", f"aisp_…{other[-4:]}"],
        ["4:64", f"aisp_…{key[-4:]}"],
        ["5:6", f"aisp_…{other[-4:]}"],
    ]
    assert text.splitlines()[3][63:].startswith(key)


def test_the_key_itself_is_never_said(path: Path, key: str) -> None:
    _, places, _ = check(f"{key} {key}", path)

    assert len(places) == 2
    said = repr(places)
    assert key not in said
    assert not [key[i : i + 6] for i in range(5, 38) if key[i : i + 6] in said]


@pytest.mark.parametrize(
    "around",
    ["{}", '"{}"', "x={}&y=1", "https://hub/?k={}#x", "Bearer {}.", "-{}-", "({})", "<{}>", "é{}é", "\t{}\t"],
)
def test_a_key_is_found_between_other_characters(path: Path, key: str, around: str) -> None:
    code, places, _ = check(around.format(key), path)

    assert (code, places) == (0, [[f"1:{around.index('{') + 1}", f"aisp_…{key[-4:]}"]])


@pytest.mark.parametrize("around", ["x{}", "{}x", "0{}", "{}0", "_{}", "{}_", "my_{}"])
def test_a_part_of_a_longer_word_is_no_key(path: Path, key: str, around: str) -> None:
    assert check(around.format(key), path)[:2] == (NOTHING_FOUND, [])
    assert check(around.format(f" {key} "), path)[0] == 0


@pytest.mark.parametrize("at", [5, 20, 36, 37, 42])
def test_a_wrong_checksum_is_no_key(path: Path, key: str, at: int) -> None:
    changed = key[:at] + ("A" if key[at] != "A" else "B") + key[at + 1 :]

    assert check(changed, path)[:2] == (NOTHING_FOUND, [])
    assert check(f"{changed}\n{key}", path)[1] == [["2:1", f"aisp_…{key[-4:]}"]]


@pytest.mark.parametrize("text", ["", "\n", "aisp_", "aisp_…abcd"])
def test_where_there_is_none_nothing_is_said(path: Path, text: str) -> None:
    assert check(text, path) == (NOTHING_FOUND, [], "")


def test_a_file_need_not_be_text(path: Path, key: str) -> None:
    content = b"\x00\xff\xfe\n\x80\x81 " + key.encode() + b"\x00\xff"

    code, places, _ = check(content, path)

    assert (code, places) == (0, [["2:4", f"aisp_…{key[-4:]}"]])


def test_lines_are_counted_as_editors_do(path: Path, key: str) -> None:
    assert check(f"a\fb\x1cc\u2028d\r\n {key}\r\n", path)[1] == [["2:2", f"aisp_…{key[-4:]}"]]


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"a\n {key}".encode())))
    out = StringIO()

    call_command("apikey", "check", "-", stdout=out)

    assert out.getvalue() == f"2:2\taisp_…{key[-4:]}\n"


def test_a_file_that_cannot_be_read_is_not_one_without_keys(tmp_path: Path) -> None:
    for name in (tmp_path / "missing", tmp_path):
        with pytest.raises(CommandError, match="cannot be read") as failed:
            call_command("apikey", "check", str(name))

        assert failed.value.returncode == FAILED


@pytest.mark.parametrize("has_key", [True, False])
def test_no_database_has_to_be_there(key: str, has_key: bool) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nowhere",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": "tests-only",
        "HUB_ORIGIN": "https://hub.example.com",
    }

    checked = subprocess.run(
        [sys.executable, "manage.py", "apikey", "check", "-"],
        cwd=ROOT,
        env=environment,
        input=f"{key if has_key else 'nothing'}\n",
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert checked.returncode == (0 if has_key else NOTHING_FOUND), checked.stderr
    assert checked.stdout == (f"1:1\taisp_…{key[-4:]}\n" if has_key else "")
    assert key not in checked.stderr
