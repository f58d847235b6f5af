"""JSON that every reader reads alike: RFC 8259 with the limits of I-JSON (RFC 7493) and some more.

A body is parsed once at full speed by the standard library's scanner with hooks that notice what may be
wrong; only then is it parsed again, slowly, to find the place.
"""

import json
import math
import re
from typing import Any, NoReturn

from realms.refusal import Refusal

MAX_DEPTH = 64
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1

# Possessive and with an optional end: a text that never ends is passed over once, not once a quote.
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)
# Only an escape can hide NUL or half a surrogate pair: the scanner refuses the one as it stands, and
# UTF-8 cannot hold the other.
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89A-Fa-f])")


class _Doubtful(Exception):
    """The fast parse saw something that the slow one has to look at."""


class _Pairs(list[tuple[str, Any]]):
    """An object's members as written."""


class _Wrong(str):
    """A number that cannot be."""


def read_json(body: bytes) -> Any:
    """Return the value of a JSON text in UTF-8.

    Raises:
        Refusal: `invalid_json`, with the place: a JSON pointer, or a line and a column.
    """
    if not body.strip():
        _refuse("", "The body is empty; JSON is expected.")
    _check_depth(body)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        _refuse("", f"The body is not UTF-8: byte {error.start} is wrong.")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_double,
            parse_constant=_doubt,
        )
        if _SUSPECT_ESCAPE.search(text):
            raise _Doubtful
    except json.JSONDecodeError as error:
        _refuse("", f"{error.msg} at line {error.lineno}, column {error.colno}.")
    except (_Doubtful, ValueError):
        return _examined(text)
    return value


def _refuse(pointer: str, detail: str) -> NoReturn:
    raise Refusal("invalid_json", detail, errors=[{"pointer": pointer, "detail": detail}])


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _BRACKETS.finditer(body):
        first = token[0][:1]
        depth += (first in b"[{") - (first in b"]}")
        if depth > MAX_DEPTH:
            _refuse("", f"The body is nested more than {MAX_DEPTH} levels deep.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Doubtful
    return members


def _doubt(_: str) -> NoReturn:
    raise _Doubtful


def _integer(digits: str) -> int:
    if len(digits) > 21:
        raise _Doubtful
    value = int(digits)
    if not MIN_INTEGER <= value <= MAX_INTEGER:
        raise _Doubtful
    return value


def _double(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise _Doubtful
    return value


def _number(kind: Any) -> Any:
    def parse(digits: str) -> Any:
        try:
            return kind(digits)
        except _Doubtful:
            return _Wrong(digits)

    return parse


def _examined(text: str) -> Any:
    """Parse again and return the value, or raise `Refusal` with the JSON pointer (RFC 6901) of the fault."""
    value = json.loads(
        text,
        object_pairs_hook=_Pairs,
        parse_int=_number(_integer),
        parse_float=_number(_double),
        parse_constant=_Wrong,
    )
    return _cleared(value, "")


def _cleared(value: Any, pointer: str) -> Any:
    if isinstance(value, _Pairs):
        members: dict[str, Any] = {}
        for name, member in value:
            _check_text(name, pointer, "A member's name")
            place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in members:
                _refuse(place, f"The member {name!r} is given twice.")
            members[name] = _cleared(member, place)
        return members
    if isinstance(value, list):
        return [_cleared(item, f"{pointer}/{i}") for i, item in enumerate(value)]
    if isinstance(value, _Wrong):
        shown = value if len(value) <= 40 else f"{value[:40]}…"
        _refuse(pointer, f"{shown} is not a number that 64 bits hold.")
    if isinstance(value, str):
        _check_text(value, pointer, "The text")
    return value


def _check_text(text: str, pointer: str, what: str) -> None:
    if "\0" in text:
        _refuse(pointer, f"{what} holds NUL (U+0000).")
    if any("\ud800" <= character <= "\udfff" for character in text):
        _refuse(pointer, f"{what} holds half a surrogate pair.")
