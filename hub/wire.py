"""How times, ids and free-form JSON look on the wire."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from realms import ids

# ECMA-262 has `$` match only at the end; Python's also matches before a last newline. The look-ahead
# makes Python strict, and the published schema leaves it out.
STRICT_END = r"$(?!\n)"


def strict(pattern: str) -> str:
    """Return an ECMA-262 pattern as Python has to write it."""
    return pattern.removesuffix("$") + STRICT_END


def _id_type(prefix: str, what: str) -> Meta:
    example = f"{prefix}_01HX9J2N3PQRSTVWXYZ0123456"
    return Meta(pattern=strict(ids.id_pattern(prefix)), description=what, examples=[example])


SessionId = Annotated[str, _id_type(ids.SESSION, "Id of a session.")]
MessageId = Annotated[str, _id_type(ids.MESSAGE, "Id of a message.")]
GrantId = Annotated[str, _id_type(ids.GRANT, "Id of a grant.")]

Timestamp = Annotated[
    str,
    Meta(
        pattern=strict(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"),
        description="RFC 3339, UTC, with microseconds.",
        examples=["2026-04-06T09:00:00.123456Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
JsonObject = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})]
JsonValue = Annotated[msgspec.Raw, Meta(description="Any JSON value.")]


class Instant(datetime):
    """A time that a client gave: RFC 3339 with any offset, turned to UTC."""

    @classmethod
    def parse(cls, text: object) -> "Instant":
        """Read an RFC 3339 §5.6 date-time.

        Raises:
            ValueError: it is none, has no offset, or lies outside the years 1 to 9999 in UTC.
        """
        try:
            moment = msgspec.convert(text, datetime)
        except msgspec.ValidationError:
            raise ValueError("Expected a time as RFC 3339 has it, such as 2026-04-06T09:00:00Z") from None
        if moment.tzinfo is None:
            raise ValueError("The time needs an offset, such as Z or +02:00")
        try:
            utc = moment.astimezone(UTC)
        except OverflowError:
            raise ValueError("The time is out of range") from None
        return cls(
            utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond, tzinfo=UTC
        )


def rfc3339(moment: datetime) -> str:
    """Return an aware time in UTC with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def compact(value: Any) -> bytes:
    """Return a JSON value in UTF-8 without any space between tokens."""
    return msgspec.json.encode(value)


def refuse_unless_object(value: msgspec.Raw, *, member: str) -> None:
    """Check, in a struct's `__post_init__`, that a free-form member is an object.

    Raises:
        ValueError: the value is something else.
    """
    if not bytes(value).startswith(b"{"):
        raise ValueError(f"`{member}`: Expected an object such as {{}}")


def raw(text: str) -> msgspec.Raw:
    """Return kept JSON text as something that an answer takes over as it stands."""
    return msgspec.Raw(text.encode())
