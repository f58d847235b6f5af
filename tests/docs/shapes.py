"""Whether what a sample printed is what its page shows, where ids, times and numbers may differ."""

import json
import re
from typing import Any

ANYTHING = "…"

_VOLATILE = (
    (r"\b(sess|msg|grant|key|realm)_[0-9A-Z]{26}\b", r"\1_ID"),
    (r"\b(sess|msg|grant|key|realm)_[0-9A-Z]*…", r"\1_ID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b[0-9a-f]{32}\b", "REQUEST"),
    (r"\b\d{2,}\b", "NUMBER"),
)


def _settled(text: str) -> str:
    for pattern, instead in _VOLATILE:
        text = re.sub(pattern, instead, text)
    return text


def same_text(shown: str, said: str) -> bool:
    """Tell whether two texts are alike line by line; `…` stands for anything in what is shown."""
    expected, found = (_settled(text).strip().splitlines() for text in (shown, said))
    return len(expected) == len(found) and all(map(_same_line, expected, found))


def _same_line(shown: str, said: str) -> bool:
    pattern = ".*".join(map(re.escape, shown.strip().split(ANYTHING)))
    return re.fullmatch(pattern, said.strip()) is not None


def values_in(text: str) -> list[Any]:
    """Return the JSON values that stand one after another in a text."""
    decoder, values, at = json.JSONDecoder(), [], 0
    while at < len(text := text.strip()):
        value, at = decoder.raw_decode(text, at)
        values.append(value)
        at += len(text[at:]) - len(text[at:].lstrip())
    return values


def same_shape(shown: Any, said: Any) -> bool:
    """Tell whether two JSON values have the same members of the same types, and alike words in them."""
    if shown == ANYTHING:
        return True
    if isinstance(shown, dict) and isinstance(said, dict):
        return shown.keys() == said.keys() and all(same_shape(shown[name], said[name]) for name in shown)
    if isinstance(shown, list) and isinstance(said, list):
        return len(shown) == len(said) and all(map(same_shape, shown, said))
    if isinstance(shown, str) and isinstance(said, str):
        return same_text(shown, said)
    if isinstance(shown, bool) or isinstance(said, bool) or shown is None or said is None:
        return shown is said
    return isinstance(shown, (int, float)) and isinstance(said, (int, float))
