"""What the docs say to operators holds: variables, commands, and the paths that a proxy looks at."""

import ast
import re
import shlex

import pytest
from django.core.management import CommandError, get_commands, load_command_class
from django.core.management.base import BaseCommand

from config import env
from hub.docs.contents import WRITTEN
from hub.docs.pages import source_of
from hub.urls import V1, feed_urlpatterns, live_urlpatterns
from tests.docs.samples import fences

PRODUCTION = source_of(WRITTEN["production"], origin="https://hub.example.com")


def _variables() -> set[str]:
    """What `config.env` reads: the first argument of every call of `env.…`."""
    calls = [
        node
        for node in ast.walk(ast.parse((env.BASE_DIR / "config/env.py").read_text()))
        if isinstance(node, ast.Call)
    ]
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def _blocks(language: str) -> list[tuple[str, str]]:
    """Return (slug, line) of every line of the blocks in a language."""
    return [
        (page.slug, line)
        for page in WRITTEN.values()
        for found, content in fences(source_of(page, origin=""))
        if found == language
        for line in content.splitlines()
        if line.strip()
    ]


def test_the_table_of_variables_is_whole() -> None:
    rows = [line.split("|")[1] for line in PRODUCTION.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row)}

    assert named == _variables()


def test_variables_in_examples_exist() -> None:
    named = {line.partition("=")[0] for _, line in _blocks("env")}

    assert len(named) >= 5
    assert named <= _variables()


@pytest.mark.parametrize(("slug", "line"), _blocks("manage"))
def test_commands_exist_and_take_their_options(slug: str, line: str) -> None:
    program, name, *arguments = shlex.split(line)

    assert program == "manage.py"
    app = get_commands()[name]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
    parser = command.create_parser("manage.py", name)
    parser.parse_args(arguments)
    with pytest.raises((CommandError, SystemExit)):
        parser.parse_args([*arguments, "--no-such-option"])


def test_commands_in_the_text_exist() -> None:
    for page in WRITTEN.values():
        for name in re.findall(r"`manage\.py ([a-z-]+)", source_of(page, origin="")):
            assert name in get_commands(), f"{page.slug}: manage.py {name}"


def test_the_proxy_does_not_buffer_what_is_a_stream() -> None:
    [config] = [content for language, content in fences(PRODUCTION) if language == "nginx"]
    found = re.search(r"location ~ (\S+) {([^}]*)}", config)
    assert found
    streams = [str(pattern.pattern) for pattern in (*live_urlpatterns, *feed_urlpatterns)]
    unbuffered = {stream for stream in streams if re.search(found[1], "/" + stream)}

    assert "proxy_buffering off;" in found[2]
    assert unbuffered == {f"{V1}/messages/stream", "realms/<str:realm_id>/feed"}
    assert config.count("{") == config.count("}")
    assert all(line.strip().endswith((";", "{", "}", "")) for line in config.splitlines() if "#" not in line)


def test_the_unit_starts_what_is_there() -> None:
    [unit] = [content for language, content in fences(PRODUCTION) if language == "ini"]
    started = re.findall(r"manage\.py (\S+)", unit)

    assert started == ["serve"]
    assert set(started) <= set(get_commands())
