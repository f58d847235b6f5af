"""Bodies and query strings into typed structs, and what is wrong with them into refusals."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from django.http import QueryDict

from hub.wire import STRICT_END, Instant
from realms.ids import parse_id
from realms.refusal import Refusal, refusal_at

S = TypeVar("S", bound=msgspec.Struct)

_fields = cache(msgspec.structs.fields)  # it evaluates annotations each time

_PLACE = re.compile(r"^(?P<what>.*) - at `(?:key in )?\$(?P<path>.*)`$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")
_AT_MEMBER = re.compile(r"^`(?P<name>\w+)`: (?P<what>.*)$", re.DOTALL)


def decode_body(value: Any, struct: type[S]) -> S:
    """Turn a JSON value into `struct`.

    Raises:
        Refusal: `invalid_request`; `errors` has a JSON pointer for each fault found.
    """
    try:
        return msgspec.convert(value, struct, dec_hook=_decode_custom)
    except msgspec.ValidationError as error:
        unknown = [
            {"pointer": pointer, "detail": f"There is no such member. There are: {', '.join(known)}."}
            for pointer, known in _unknown_members(value, struct, "")
        ]
        if unknown:
            names = ", ".join(place["pointer"].rsplit("/", 1)[1] for place in unknown)
            raise Refusal("invalid_request", f"Unknown members: {names}.", errors=unknown) from None
        pointer, what = _place_of(str(error))
        raise refusal_at(pointer, f"{pointer or 'The body'}: {what}") from None


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


def _unknown_members(value: Any, kind: Any, pointer: str) -> Iterator[tuple[str, list[str]]]:
    """Yield pointer and known names for every member that a struct in `kind` does not have."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if not isinstance(value, dict):
            return
        fields = {field.encode_name: field.type for field in _fields(kind)}
        for name, member in value.items():
            if name not in fields:
                yield f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}", list(fields)
            else:
                yield from _unknown_members(member, fields[name], f"{pointer}/{name}")
    elif get_origin(kind) is Annotated:
        yield from _unknown_members(value, get_args(kind)[0], pointer)
    elif isinstance(value, list):
        for inner in get_args(kind):
            for i, item in enumerate(value):
                yield from _unknown_members(item, inner, f"{pointer}/{i}")
