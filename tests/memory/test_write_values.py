"""POST /memory: values come back as they were sent, up to 64 KiB."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.memory.models import MemoryEntry, MemoryNamespace
from tests.cases import cases
from tests.cast import Agent
from tests.memory.entries import stored, write, written

LIMIT_BYTES = 65_536

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
)
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4)
)


@cases(
    "text",
    [
        "null",
        "true",
        "false",
        "0",
        "-0.0",
        "1.0",
        "1e308",
        "-1.7976931348623157e308",
        "5e-324",
        "0.1",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "-9223372036854775808",
        '""',
        '"text with \\"quotes\\" and \\\\ and /"',
        '"\\u0001\\u001f\\u007f\\u2028"',
        '"😀 é ﷽ \U0010ffff"',
        "[]",
        "{}",
        '[[],{},[null,[1,"2"]]]',
        '{"z":1,"a":{"y":2,"b":3},"":4,"key":5,"a/b~c":6}',
        "[" * 60 + "]" * 60,
    ],
)
def test_a_value_comes_back_exactly(alice: Agent, text: str) -> None:
    body = f'{{"entries":[{{"key":"a.1","value":{text}}}]}}'.encode()
    assert alice.post("memory", content=body).status == 200

    got = alice.get("memory/a.1").json["value"]

    assert msgspec.json.encode(got) == msgspec.json.encode(msgspec.json.decode(text))
    assert repr(got) == repr(msgspec.json.decode(text))
    assert repr(alice.get("memory").json["entries"][0]["value"]) == repr(got)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VALUES, min_size=10, max_size=30))
def test_any_value_comes_back_exactly(alice: Agent, values: list[Any]) -> None:
    assert write(alice, {f"a.{i:02}": value for i, value in enumerate(values)}).status == 200

    got = alice.get("memory").json["entries"][: len(values)]

    assert repr([entry["value"] for entry in got]) == repr(values)


@cases(
    "text",
    [
        "NaN",
        "Infinity",
        "1e309",
        "18446744073709551616",
        '"\\ud800"',
        '"\\u0000"',
        '{"a":1,"a":2}',
        "[" * 63 + "]" * 63,
    ],
)
def test_a_value_that_two_readers_could_take_for_two_things_is_refused(alice: Agent, text: str) -> None:
    answer = alice.post("memory", content=f'{{"entries":[{{"key":"a","value":{text}}}]}}'.encode())

    assert (answer.status, answer.code) == (400, "invalid_json")
    assert not MemoryNamespace.objects.exists()


@cases(
    "value",
    [
        "x" * (LIMIT_BYTES - 2),
        "é" * ((LIMIT_BYTES - 2) // 2),
        "😀" * ((LIMIT_BYTES - 4) // 4) + "xy",
        ["ab"] * 13_107,  # 4 bytes and a comma each, and the brackets: 65,536
        {"k": "x" * (LIMIT_BYTES - 8)},
    ],
    ids=["ascii", "two bytes", "four bytes", "array", "object"],
)
def test_a_value_of_just_64_kib_goes(alice: Agent, value: Any) -> None:
    assert len(msgspec.json.encode(value)) == LIMIT_BYTES

    assert write(alice, {"a.1": value}).status == 200

    assert alice.get("memory/a.1").json["value"] == value
    assert MemoryEntry.objects.get().size == LIMIT_BYTES


@pytest.mark.parametrize(
    "value",
    ["x" * (LIMIT_BYTES - 1), "é" * ((LIMIT_BYTES - 2) // 2) + "x", ["x" * (LIMIT_BYTES - 3)]],
    ids=["ascii", "two bytes", "array"],
)
def test_one_byte_more_does_not(alice: Agent, value: Any) -> None:
    assert len(msgspec.json.encode(value)) == LIMIT_BYTES + 1
    written(alice, "a.2")
    before = stored()

    answer = write(alice, {"a.1": 1, "a.2": value, "a.3": 1})

    assert (answer.status, answer.code) == (422, "value_too_large")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/entries/1/value"]
    assert "a.2" in answer.json["detail"]
    assert stored() == before


def test_all_values_that_are_too_large_are_named(alice: Agent) -> None:
    large = "x" * LIMIT_BYTES

    answer = write(alice, {"a.1": large, "a.2": 1, "a.3": large})

    assert [error["pointer"] for error in answer.json["errors"]] == ["/entries/0/value", "/entries/2/value"]
    assert not MemoryNamespace.objects.exists()


def test_spaces_and_escapes_of_the_request_do_not_count(alice: Agent) -> None:
    value = "é" * ((LIMIT_BYTES - 2) // 2)
    escaped = "\\u00e9" * len(value)
    body = f'{{"entries": [{{"key": "a.1", "value":{" " * LIMIT_BYTES}"{escaped}"}}]}}'.encode()

    assert alice.post("memory", content=body).status == 200

    assert alice.get("memory/a.1").json["value"] == value


def test_a_hundred_values_of_64_kib_go_in_one_request(alice: Agent) -> None:
    value = "x" * (LIMIT_BYTES - 2)

    assert write(alice, {f"a.{i}": value for i in range(100)}).status == 200
    assert MemoryEntry.objects.filter(size=LIMIT_BYTES).count() == 100
