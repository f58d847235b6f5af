"""Which JSON is taken, and where the answer says that it is wrong."""

import json
import math
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.api.strict_json import MAX_DEPTH, MAX_INTEGER, MIN_INTEGER, strict_json
from hub.sessions.models import Session
from realms.refusal import Refusal
from tests.cases import cases
from tests.cast import Agent


def pointer_of(body: bytes) -> str:
    """Return the place at which a body is refused."""
    with pytest.raises(Refusal) as refused:
        strict_json(body)
    assert refused.value.code == "invalid_json"
    assert refused.value.errors[0]["detail"] == refused.value.detail
    return refused.value.errors[0]["pointer"]


def nested(depth: int, opening: str, closing: str) -> bytes:
    return (opening * depth + "1" + closing * depth).encode()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ("[[1],", "]")])
def test_64_levels_and_no_more(opening: str, closing: str) -> None:
    levels = MAX_DEPTH - 1 if opening == "[[1]," else MAX_DEPTH  # an inner [1] is a level too
    assert strict_json(nested(levels, opening, closing)) == nested(levels, opening, closing)

    assert pointer_of(nested(MAX_DEPTH + 1, opening, closing)) == ""


def test_brackets_in_texts_are_no_levels() -> None:
    body = json.dumps(["[" * 100, '"' + "{" * 100, "\\" + "[" * 100, {"[" * 100: "]"}]).encode()

    assert json.loads(strict_json(body)) == json.loads(body)


def test_a_million_brackets_are_refused_and_not_followed() -> None:
    for body in (b"[" * 1_000_000, b'{"a":' * 200_000, b"]" * 1_000_000):
        pointer_of(body)


def test_a_text_that_never_ends_is_refused_in_linear_time() -> None:
    body = b"[" * (MAX_DEPTH + 1) + b'"' + b'\\"' * 400_000
    begun = time.perf_counter()

    pointer_of(body)

    assert time.perf_counter() - begun < 1  # in quadratic time it would be an hour


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"a":{"b":[1,NaN]}}', "/a/b/1"),
        (b'{"a":Infinity}', "/a"),
        (b"[-Infinity]", "/0"),
        (b'{"a":1e400}', "/a"),
        (b'{"a":[0,-1e400]}', "/a/1"),
        (b'{"a":%d}' % (MAX_INTEGER + 1), "/a"),
        (b'{"a":%d}' % (MIN_INTEGER - 1), "/a"),
        (b"[" + b"9" * 5000 + b"]", "/0"),
        (b'{"a":1,"a":1}', "/a"),
        (b'{"x":[{"a":{"b":1,"c":2,"b":3}}]}', "/x/0/a/b"),
        (b'{"a/b":{"~":1,"~":2}}', "/a~1b/~0"),
        (b'{"a":1,"\\u0061":2}', "/a"),
        (b'{"a":["\\u0000"]}', "/a/0"),
        (b'{"a":{"k\\u0000":1}}', "/a"),
        (b'{"a":["x","\\ud800"]}', "/a/1"),
        (b'{"a":"\\udc00\\ud800"}', "/a"),
        (b'{"a":"\\uD83D!\\uDE00"}', "/a"),
        (b'{"\\udfff":1}', ""),
    ],
)
def test_what_two_readers_could_take_for_two_things_is_refused_where_it_is(body: bytes, pointer: str) -> None:
    assert pointer_of(body) == pointer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\x00"}',
        b'{"a":"\n"}',
        b"\x00",
        '{"a":1}'.encode("utf-16"),
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":.5}',
        b"{} {}",
        b"[1]]",
        b"/* */ {}",
        b"\xa0{}",
        b"{",
        b"tru",
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    pointer_of(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"\\\\u0000"}',
        b'{"a":"\\\\ud800"}',
        b'{"a":"\\ud83d\\ude00"}',
        b'{"a":"\\u0001 \\u2028 \\uffff"}',
        b'{"a":%d,"b":%d}' % (MAX_INTEGER, MIN_INTEGER),
        b'{"a":1e308,"b":-1.7976931348623157e308,"c":1e-400,"d":-0.0}',
        b'{"a":{"a":{"a":1}},"A":1}',
        b'{"":{"":1}}',
        b' \t\r\n"text" ',
        b"null",
    ],
)
def test_what_only_looks_doubtful_is_taken(body: bytes) -> None:
    value = json.loads(strict_json(body))

    assert value == json.loads(body)
    assert json.dumps(value) == json.dumps(json.loads(body))


def test_the_place_says_line_and_column_of_what_cannot_be_parsed() -> None:
    with pytest.raises(Refusal, match="line 2, column 6"):
        strict_json(b'{\n"a": x}')


examples = settings(deadline=None, max_examples=60)  # a busy machine is no fault of the code
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(MIN_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=30)


@examples
@given(value=values, ascii=st.booleans(), indent=st.sampled_from([None, 1]))
def test_any_value_within_the_limits_is_read_as_it_is(value: Any, ascii: bool, indent: int | None) -> None:
    body = json.dumps(value, ensure_ascii=ascii, indent=indent).encode()

    text = strict_json(body)

    assert json.dumps(json.loads(text)) == json.dumps(value)  # the order of members and the sign of zero too
    assert msgspec.json.encode(msgspec.json.decode(text)) == msgspec.json.encode(value)


@examples
@given(st.binary(max_size=200) | st.text('[]{}",:\\u0d8eE19.-+ \n', max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        text = strict_json(body)
    except Refusal as refusal:
        assert refusal.code == "invalid_json"
    else:
        assert json.loads(text) == json.loads(body)
        assert strict_json(text) == text


class _Twice(Exception):
    """An object has a name twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise _Twice
    return dict(pairs)


MARKS = ["[", "]", "{", "}", ",", ":", " ", "[[],[0]],"]
TEXTS = ['"a":', '"b":', '"\\u0061":', '"a"', '"\\\\"', '"\\ud800"', '"\\u0000"']
SCALARS = ["1", "-0", "1e400", "1E5", "18446744073709551615", "18446744073709551616", "true", "null"]
tokens = st.sampled_from([*MARKS, *TEXTS, *SCALARS])


@examples
@given(st.lists(tokens, max_size=30).map("".join))
def test_a_text_is_taken_if_a_parser_that_builds_everything_finds_no_fault(body: str) -> None:
    """The searches are held to what the standard library's parser and a look at each value say."""
    try:
        value = json.loads(body, object_pairs_hook=_unique, parse_constant=int)
        is_good = all(map(_is_good, _everything_in(value)))
    except (_Twice, ValueError):
        is_good = False

    try:
        text = strict_json(body.encode())
    except Refusal:
        assert not is_good
    else:
        assert is_good
        assert json.loads(text) == value


def _everything_in(value: Any) -> Iterator[Any]:
    yield value
    for inner in (
        [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from _everything_in(inner)


def _is_good(value: Any) -> bool:
    if isinstance(value, str):
        return not set(value) & {"\0", "\ud800"}
    if isinstance(value, int):
        return MIN_INTEGER <= value <= MAX_INTEGER
    return not (isinstance(value, float) and math.isinf(value))


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b' { "a" : [ 1 , "b c" ] } ', b'{"a":[1,"b c"]}'),
        (b'{"\\u00e9\\/":"\\ud83d\\ude00\\n\\u0001"}', '{"é/":"😀\\n\\u0001"}'.encode()),
        (b"[1.50,1E5,-0,0.1e-7]", b"[1.50,1E5,-0,0.1e-7]"),
    ],
)
def test_a_body_is_kept_as_text_without_space_and_needless_escapes(body: bytes, kept: bytes) -> None:
    assert strict_json(body) == kept


@cases(
    ("manifest", "pointer"),
    [
        ('{"a":[1,NaN]}', "/manifest/a/1"),
        ('{"a":1,"a":2}', "/manifest/a"),
        ('{"a":"\\u0000"}', "/manifest/a"),
        ('{"a":"\\ud800"}', "/manifest/a"),
        ('{"a":1e999}', "/manifest/a"),
        ('{"a":18446744073709551616}', "/manifest/a"),
        ("[" * 64 + "]" * 64, ""),
        ('{"a":', ""),
    ],
)
def test_over_http_it_is_a_problem_and_nothing_changes(caller: Agent, manifest: str, pointer: str) -> None:
    def body(manifest: str) -> bytes:
        return f'{{"name":"agent","kind":"service","manifest":{manifest}}}'.encode()

    answer = caller.post("sessions", content=body(manifest))

    assert (answer.status, answer.code) == (400, "invalid_json")
    assert answer.json["errors"][0]["pointer"] == pointer
    assert not Session.objects.exists()
    assert caller.post("sessions", content=body('{"a":["\\\\u0000",1e308]}')).status == 200


def test_over_http_an_empty_body_is_refused(caller: Agent) -> None:
    answer = caller.post("sessions")

    assert (answer.status, answer.code) == (400, "invalid_json")
