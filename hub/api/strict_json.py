"""JSON that every reader reads alike: RFC 8259 with the limits of I-JSON (RFC 7493) and some more.

A body stays text: one of 8 MiB may hold millions of values, so each rule is checked by a search that builds
none. If a search finds what may be wrong, a slow walk finds the place.
"""

import contextlib
import math
import re
from typing import NoReturn

import msgspec

from hub.api.json_walk import QUOTE, Walk, pointer_to, shown, text_of
from realms.refusal import Refusal

MAX_DEPTH = 64
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1

# A text is possessive, so that one that never ends is passed over once and not once a quote. A body may have
# millions of tokens, so a run of what needs no look is one match: flat arrays and objects, texts that are no
# names.
_TEXT = rb'"(?:[^"\\]++|\\.)*+"'
_TEXTS = re.compile(_TEXT, re.DOTALL)
_BRACKETS = re.compile(
    _TEXT + rb"?|(?:[\[{](?:[^\[\]{}\"]++|" + _TEXT + rb")*+[\]}],?)++|[\[{\]}]", re.DOTALL
)
_SPACES = re.compile(b"(" + _TEXT + rb")|[ \t\n\r]++", re.DOTALL)
_PIECE = re.compile(rb'(?:[^"]{1,1000}+|' + _TEXT + rb"){1,100}+", re.DOTALL)
_NAMES = re.compile(b"(?:" + _TEXT + rb'(?!:)[^"{}]*+)++|(' + _TEXT + rb"):|[{}]", re.DOTALL)
# A number that 64 bits may not hold has so many digits, or an exponent of so many. A text may look like one.
# Both begin with a digit, which is what the search looks for first.
_LONG_NUMBER = re.compile(rb"[0-9](?:[0-9]{18}|[eE]\+?[0-9]{3})")
_NUMBERS = re.compile(
    rb"(?:"
    + _TEXT
    + rb'[^-"0-9]*+)++|(?<![-+.0-9eE])(-?(?:[0-9]{19}[-+.0-9eE]*+|[.0-9]++[eE]\+?[0-9]{3,}+))',
    re.DOTALL,
)
_CONSTANT = re.compile(rb"-?(?:NaN|Infinity)")
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTE = re.compile(r"\(byte ([0-9]+)\)")

_encode = msgspec.json.Encoder().encode


class _Doubtful(Exception):
    """A search found what the walk has to look at."""


def strict_json(body: bytes) -> bytes:
    """Return a JSON text as it is kept: without space between tokens, and with no escape that is not needed.

    Numbers and the order of members stay as they were written.

    Raises:
        Refusal: `invalid_json`, with the place: a JSON pointer, or a line and a column.
    """
    if not body.strip():
        _refuse("", 'The body is empty. Send a JSON value such as {"name": "alice"}.')
    try:
        body.decode()
    except UnicodeDecodeError as error:
        _refuse("", f"The body is not UTF-8: byte {error.start} is wrong.")
    _check_depth(body)
    _check_syntax(body)
    try:
        text = _compact(body)
        _check_numbers(text)
        _check_names(text)
    except _Doubtful:
        _refuse_first_fault(body)
        raise AssertionError("a search and the walk disagree") from None
    return text


def _refuse(pointer: str, detail: str) -> NoReturn:
    raise Refusal("invalid_json", detail, errors=[{"pointer": pointer, "detail": detail}])


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _BRACKETS.finditer(body):
        token = match[0]
        if token[0] == QUOTE:
            continue
        opens = token[0] in b"[{"
        if depth + opens > MAX_DEPTH:
            _refuse("", f"The body has more than {MAX_DEPTH} levels of arrays and objects.")
        if len(token) == 1:
            depth += 1 if opens else -1


def _check_syntax(body: bytes) -> None:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        place = _BYTE.search(str(error))
        offset = int(place[1]) if place else len(body)
    else:
        return
    before = body[:offset].removesuffix(b"-")
    if constant := _CONSTANT.match(body, len(before)):
        walk = Walk(body)
        pointer = next((pointer_to(walk.path) for offset, _ in walk if offset == len(before)), "")
        _refuse(pointer, f"JSON has no {constant[0].decode()}. Send a number, a text or null.")
    if _HALF_PAIR.search(body):
        with contextlib.suppress(ValueError):  # of a text that is no JSON
            _refuse_first_fault(body)
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
    _refuse("", f"The body is not JSON: see line {line}, column {column}.")


def _compact(body: bytes) -> bytes:
    has_spaces = any(space in body for space in (b" ", b"\t", b"\n", b"\r"))
    if not has_spaces and b"\\" not in body:
        return body
    text = bytearray()
    for match in _PIECE.finditer(body):  # a substitution keeps a list of all that it leaves
        piece = _SPACES.sub(rb"\1", match[0]) if has_spaces else match[0]
        text += _TEXTS.sub(_without_escapes, piece) if b"\\" in piece else piece
    return bytes(text)


def _without_escapes(match: re.Match[bytes]) -> bytes:
    """Return a text with the escapes alone that JSON needs."""
    token = match[0]
    if b"\\" not in token:
        return token
    text = text_of(token)
    if _text_fault(text):
        raise _Doubtful
    return _encode(text)


def _text_fault(text: str) -> str:
    """Return what is wrong with a text; "" if nothing is."""
    if "\0" in text:
        return "holds NUL (U+0000)"
    if _SURROGATE.search(text):
        return "holds half a surrogate pair"
    return ""


def _check_numbers(text: bytes) -> None:
    if _LONG_NUMBER.search(text) and any(
        match[1] is not None and _is_beyond_64_bits(match[1]) for match in _NUMBERS.finditer(text)
    ):
        raise _Doubtful


def _is_beyond_64_bits(number: bytes) -> bool:
    if number.lstrip(b"-").isdigit():
        return len(number) > 20 or not MIN_INTEGER <= int(number) <= MAX_INTEGER
    return math.isinf(float(number))


def _check_names(text: bytes) -> None:
    """See that no object of a compact text has a name twice."""
    if b"{" not in text:
        return
    names: set[bytes] = set()
    outer: list[set[bytes]] = []
    for match in _NAMES.finditer(text):
        if match[1] is not None:
            if match[1] in names:
                raise _Doubtful
            names.add(match[1])
        elif match[0] == b"{":
            outer.append(names)
            names = set()
        elif match[0] == b"}":
            names = outer.pop()


def _refuse_first_fault(body: bytes) -> None:
    """Refuse a body that has a fault in a name, a text or a number, at the JSON pointer of the first."""
    walk = Walk(body)
    for _, token in walk:
        if token[0] == QUOTE:
            text = text_of(token)
            if fault := _text_fault(text):
                what = "A member's name" if walk.is_name else "The text"
                _refuse(pointer_to(walk.path), f"{what} {fault}.")
            if walk.is_repeated:
                _refuse(pointer_to([*walk.path, text]), f"The member {shown(text)!r} is given twice.")
        elif token[0] in b"-0123456789" and _is_beyond_64_bits(token):
            number = shown(token.decode())
            _refuse(pointer_to(walk.path), f"{number} is not a number that 64 bits hold. Send it as text.")
