"""Ids: a type's prefix and a ULID, `sess_01HX…`, kept in the database as a UUID.

They stand in the lowest room that needs them, since realms and keys have ids as the protocol's nouns do.
"""

import re
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from ulid import ULID

# Crockford's base32 in either case. 128 bits leave the first of 26 characters only three: 0 to 7.
ULID_PATTERN = "[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}"
_ULID = re.compile(ULID_PATTERN)
# From Crockford's digits to Python's own of base 32: several ids are read with each request.
_TO_BASE_32 = str.maketrans("0123456789ABCDEFGHJKMNPQRSTVWXYZ", "0123456789ABCDEFGHIJKLMNOPQRSTUV")

REALM, KEY, SESSION, MESSAGE, GRANT, EVENT = "realm", "key", "sess", "msg", "grant", "evt"
INVITATION = "inv"


def id_pattern(prefix: str) -> str:
    """Return the regular expression (ECMA-262 too) of ids with `prefix`, letters in either case."""
    return "^" + "".join(f"[{letter.upper()}{letter}]" for letter in prefix) + f"_{ULID_PATTERN}$"


def new_id(prefix: str) -> str:
    """Return an id that nobody else has and that sorts by the millisecond of its making."""
    return f"{prefix}_{ULID()}"


def parse_id(prefix: str, text: str) -> str | None:
    """Return `text` as the canonical id (prefix small, ULID large), or None if it is not one."""
    head, _, tail = text.partition("_")
    if head.isascii() and head.lower() == prefix and _ULID.fullmatch(tail):
        return f"{prefix}_{tail.upper()}"
    return None


def uuid_of(canonical_id: str) -> uuid.UUID:
    """Return the UUID that the database holds for a canonical id."""
    return uuid.UUID(int=int(canonical_id[-26:].translate(_TO_BASE_32), 32))


def id_of(prefix: str, value: uuid.UUID) -> str:
    """Return the id of the row that the database holds under `value`."""
    return f"{prefix}_{ULID.from_uuid(value)}"


if TYPE_CHECKING:
    _UUIDField = models.CharField[str, str]  # what it is for whoever reads or writes it
else:
    _UUIDField = models.UUIDField


class IdField(_UUIDField):
    """A primary key that is `prefix_ULID` in Python and a UUID in the database."""

    def __init__(self, *, prefix: str, **options: Any) -> None:
        self.prefix = prefix
        super().__init__(
            **{"primary_key": True, "editable": False, "default": partial(new_id, prefix), **options}
        )

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        options.pop("default", None)
        return name, path, args, {**options, "prefix": self.prefix}

    def from_db_value(self, value: Any, *_: Any) -> str | None:
        """Turn what the backend read into the id."""
        return None if value is None else id_of(self.prefix, value)

    def to_python(self, value: Any) -> Any:
        """Turn an id in any case, or a UUID, into the canonical id."""
        if value is None:
            return None
        if isinstance(value, uuid.UUID):
            return id_of(self.prefix, value)
        if (canonical := parse_id(self.prefix, str(value))) is None:
            raise ValidationError(f"“{value}” is not an id of the form {self.prefix}_….", code="invalid")
        return canonical

    def get_prep_value(self, value: Any) -> Any:
        """Leave the id as it is; `get_db_prep_value` makes the UUID."""
        return value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Turn an id into what the backend stores."""
        if isinstance(value, str):
            value = uuid_of(self.to_python(value))
        if value is None or connection.features.has_native_uuid_field:
            return value
        return value.hex

    def value_to_string(self, obj: models.Model) -> str:
        """Serialise as the id."""
        return str(self.value_from_object(obj))
