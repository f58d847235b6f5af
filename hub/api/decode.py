"""Bodies and query strings into typed structs, and what is wrong with them into refusals."""

import re
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from django.http import QueryDict

from hub.api.json_walk import Shape, unknown_members
from hub.json_apart import apart_if_large
from hub.wire import STRICT_END, Instant
from realms.ids import parse_id
from realms.refusal import LISTED, Refusal, refusal_at

S = TypeVar("S", bound=msgspec.Struct)

_fields = cache(msgspec.structs.fields)  # it evaluates annotations each time

_PLACE = re.compile(r"^(?P<what>.*) - at `(?:key in )?\$(?P<path>.*)`$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")
_AT_MEMBER = re.compile(r"^`(?P<name>\w+)`: (?P<what>.*)$", re.DOTALL)


def decode_body(text: bytes, struct: type[S]) -> S:
    """Turn strict JSON into `struct`.

    Raises:
        Refusal: `invalid_request`; `errors` has a JSON pointer for each fault found.
    """
    try:
        value: S = _decoder(struct).decode(text)
    except msgspec.ValidationError as error:
        _refuse_unknown_members(text, struct)
        pointer, what = _place_of(str(error))
        raise refusal_at(pointer, f"{pointer or 'The body'}: {what}") from None
    return value


@cache
def _decoder(struct: type[S]) -> "msgspec.json.Decoder[S]":
    return msgspec.json.Decoder(struct, dec_hook=_decode_custom)


def _refuse_unknown_members(text: bytes, struct: type[msgspec.Struct]) -> None:
    found, count = apart_if_large(unknown_members, text, _shape_of(struct), limit=LISTED)
    if not count:
        return
    names = ", ".join(pointer.rsplit("/", 1)[1] for pointer, _ in found)
    errors = [
        {"pointer": pointer, "detail": f"There is no such member. The members are {', '.join(known)}."}
        for pointer, known in found
    ]
    raise Refusal(
        "invalid_request", f"Unknown members: {names}.", errors=errors, more_errors=count - len(found)
    )


def decode_query(parameters: QueryDict, struct: type[S]) -> S:
    """Turn query parameters into `struct`, each given at most once.

    Raises:
        Refusal: `invalid_request`; a `pointer` is the parameter's name after a slash.
    """
    known = [field.encode_name for field in _fields(struct)]
    for name, values in parameters.lists():
        if name not in known:
            takes = f"It takes {', '.join(known)}." if known else "It takes none."
            raise refusal_at(f"/{name}", f"There is no query parameter {name!r} here. {takes}")
        if len(values) > 1:
            raise refusal_at(f"/{name}", f"The query parameter {name!r} is given {len(values)} times.")
        if "\0" in values[0]:
            raise refusal_at(f"/{name}", f"The query parameter {name!r} holds NUL.")
    try:
        query = msgspec.convert(parameters.dict(), struct, strict=False, dec_hook=_decode_custom)
    except msgspec.ValidationError as error:
        pointer, what = _place_of(str(error))
        raise refusal_at(pointer, f"The query parameter {pointer.lstrip('/')!r}: {what}") from None
    for field in _fields(struct):
        # msgspec takes the text `null` for None, and so for a parameter that was not given.
        if field.encode_name in parameters and getattr(query, field.name) is None:
            name = field.encode_name
            raise refusal_at(
                f"/{name}", f"The query parameter {name!r} cannot be null; leave it out instead."
            )
    return query


def id_in_path(prefix: str, text: str, *, or_refuse: str) -> str:
    """Return the canonical id that stands in a path; one that is none names nothing.

    Raises:
        Refusal: the code `or_refuse`.
    """
    canonical = parse_id(prefix, text)
    if canonical is None:
        raise Refusal(or_refuse)
    return canonical


def _decode_custom(kind: type, value: Any) -> Any:
    if kind is Instant:
        return Instant.parse(value)
    raise NotImplementedError(f"no way to decode a {kind}")


def _place_of(message: str) -> tuple[str, str]:
    """Split msgspec's message into a JSON pointer (RFC 6901) and what is wrong there."""
    match = _PLACE.match(message)
    what, path = (match["what"], match["path"]) if match else (message, "")
    steps = [step["name"] or step["index"] for step in _STEP.finditer(path)]
    if missing := _MISSING.search(what):
        steps.append(missing["name"])
    elif member := _AT_MEMBER.match(what):
        steps.append(member["name"])
        what = member["what"]
    pointer = "".join(f"/{step}" for step in steps)
    return pointer, what.replace(STRICT_END, "$")


@cache
def _shape_of(kind: Any) -> Shape:
    """Return the members that a value of `kind` may have."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {field.encode_name: _shape_of(field.type) for field in _fields(kind)}
    if get_origin(kind) is Annotated:
        return _shape_of(get_args(kind)[0])
    shapes = [_shape_of(inner) for inner in get_args(kind)]
    if get_origin(kind) is list:
        return shapes
    return next((shape for shape in shapes if shape is not None), None)
