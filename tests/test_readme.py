"""What the README says of keys holds for the keys that the hub makes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from realms.key_format import KEY_PATTERN, is_well_formed, new_plaintext

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.fixture(scope="module")
def is_key() -> Callable[[str], bool]:
    """The README's own function."""
    [block] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)
    function: Callable[[str], bool] = names["is_key"]
    return function


def test_its_example_knows_the_hubs_keys(is_key: Callable[[str], bool]) -> None:
    for _ in range(200):
        assert is_key(new_plaintext()) is True


def test_its_example_knows_what_is_no_key(is_key: Callable[[str], bool]) -> None:
    for _ in range(200):
        key = new_plaintext()
        for at in (0, 5, 20, 36, 37, 42):
            changed = key[:at] + ("x" if key[at] != "x" else "y") + key[at + 1 :]
            assert is_key(changed) is is_well_formed(changed) is False
    for wrong in ("", "aisp_", key + "\n", f" {key}", key[:-1], key + "0", f"{key[:-1]}é"):
        assert is_key(wrong) is False


def test_its_pattern_is_the_hubs() -> None:
    assert f"\n{KEY_PATTERN}\n" in README


def test_the_commands_that_it_shows_are_there() -> None:
    shown = re.findall(r"manage\.py (apikey|audit|realm) ([a-z]+)(.*)", README)

    assert {("apikey", "rotate"), ("apikey", "check"), ("audit", "head")} <= {row[:2] for row in shown}
    for command, verb, rest in shown:
        parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
        parser.parse_args([verb, *rest.split()])
