"""A walk along JSON text, which knows its place and builds nothing.

It finds the places of faults and unknown members. A body of 8 MiB may hold millions of values: to build them
would take twenty times its size.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed leaves it out
from typing import TypeAlias

SHOWN_CHARACTERS = 100  # of a client's text in an error

# The members of an object that a body may have, by name, each with what its value may have in turn; a list of
# one for an array of such values; None for a value of any form.
Shape: TypeAlias = "dict[str, Shape] | list[Shape] | None"

QUOTE = ord('"')

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},]|[^\s\[\]{},:"]++', re.DOTALL)


@dataclass(slots=True)
class _Level:
    """An object or an array that the walk is in.

    Attributes:
        names: the members of an object so far; None for an array.
        at: the item or the member that the walk is at.
        awaits_name: the next text is a member's name.
    """

    names: set[str] | None
    at: int | str
    awaits_name: bool


class Walk:
    """A walk along a JSON text in UTF-8, by name and scalar; it goes as far as a text that is no JSON allows.

    Attributes:
        is_name: the walk is at the name of a member, not at a value.
        is_repeated: the object has a member of this name already.
    """

    def __init__(self, text: bytes) -> None:
        self.is_name = self.is_repeated = False
        self._text = text
        self._levels: list[_Level] = []

    @property
    def path(self) -> list[int | str]:
        """The member names and item numbers that lead to the value, or, at a name, to its object."""
        return [level.at for level in (self._levels[:-1] if self.is_name else self._levels)]

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield the offset in bytes and the JSON text of each name and each scalar."""
        levels, level = self._levels, None
        for match in _TOKEN.finditer(self._text):
            token = match[0]
            if token == b",":
                if level is not None and level.names is None:
                    level.at += 1  # type: ignore[operator]
                elif level is not None:
                    level.awaits_name = True
            elif token in (b"{", b"["):
                level = _Level(set(), "", True) if token == b"{" else _Level(None, 0, False)
                levels.append(level)
            elif token in (b"}", b"]"):
                if levels:
                    levels.pop()
                level = levels[-1] if levels else None
            elif level is not None and level.names is not None and level.awaits_name and token[0] == QUOTE:
                name = text_of(token)
                self.is_name, self.is_repeated = True, name in level.names
                yield match.start(), token
                self.is_name = self.is_repeated = False
                level.names.add(name)
                level.at, level.awaits_name = name, False
            else:
                yield match.start(), token


def text_of(token: bytes) -> str:
    """Return the text that a JSON string stands for; half a surrogate pair is left as it is."""
    text = token.decode(errors="replace")
    return scanstring(text, 1, False)[0] if "\\" in text else text[1:-1]


def pointer_to(path: list[int | str]) -> str:
    """Return a JSON pointer (RFC 6901), with long names cut short."""
    names = (shown(str(each)).replace("~", "~0").replace("/", "~1") for each in path)
    return "".join(f"/{name}" for name in names)


def shown(text: str) -> str:
    """Return a client's text as an error shows it: cut short if it is long."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def unknown_members(text: bytes, shape: Shape, *, limit: int) -> tuple[list[tuple[str, list[str]]], int]:
    """Find the members of a JSON text that `shape` does not have.

    Returns:
        The JSON pointer of each of the first `limit`, with the names that its object may have; and the number
        of all.
    """
    found: list[tuple[str, list[str]]] = []
    count = 0
    walk = Walk(text)
    for _, token in walk:
        if not walk.is_name:
            continue
        name, known = text_of(token), _shape_at(shape, walk.path)
        if isinstance(known, dict) and name not in known:
            count += 1
            if len(found) < limit:
                found.append((pointer_to([*walk.path, name]), list(known)))
    return found, count


def _shape_at(shape: Shape, path: list[int | str]) -> Shape:
    """Return what a value may have that lies at `path`; None beside and below what has no shape."""
    for each in path:
        if isinstance(shape, dict) and isinstance(each, str):
            shape = shape.get(each)
        elif isinstance(shape, list) and isinstance(each, int):
            [shape] = shape
        else:
            return None
    return shape
