"""Memory on the wire."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from hub.grants.patterns import KEY_PATTERN
from hub.memory.models import KEY_CHARACTERS, OwnedEntry
from hub.wire import JsonValue, SessionId, Timestamp, raw, rfc3339, strict

ENTRIES_PER_WRITE = 100

MemoryKey = Annotated[
    str,
    Meta(
        pattern=strict(KEY_PATTERN),
        min_length=1,
        max_length=KEY_CHARACTERS,
        description="Segments of letters, digits, `_` and `-`, joined by dots. The first is the namespace.",
        examples=["project.name"],
    ),
]
Version = Annotated[int, Meta(ge=1, description="Counts the writes of the entry, from 1.", examples=[1])]


class EntryToWrite(Struct, forbid_unknown_fields=True):
    """One entry of a write."""

    key: MemoryKey
    value: Annotated[
        msgspec.Raw, Meta(description="Any JSON value of at most 65,536 bytes as compact UTF-8.")
    ]
    if_version: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=2**63 - 1,
                description="Write only if the entry has this version; 0: none yet. "
                "An integer without fraction or exponent.",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class MemoryWrite(Struct, forbid_unknown_fields=True):
    """Entries to write, all or none."""

    entries: Annotated[list[EntryToWrite], Meta(min_length=1, max_length=ENTRIES_PER_WRITE)]


class MemoryWritten(Struct):
    """What was written."""

    written: Annotated[int, Meta(ge=1, le=ENTRIES_PER_WRITE)]
    entries: Annotated[list[MemoryKey], Meta(min_length=1, max_length=ENTRIES_PER_WRITE)]


class Entry(Struct):
    """A memory entry."""

    key: MemoryKey
    value: JsonValue
    owner: SessionId
    updated_at: Timestamp
    version: Version


class EntryList(Struct):
    """The entries that the acting session may read."""

    entries: list[Entry]


class EntryDeleted(Struct):
    """An entry is gone."""

    deleted: Annotated[bool, Meta(extra_json_schema={"const": True})]
    key: MemoryKey


def entry_answer(entry: OwnedEntry) -> Entry:
    """Return an entry, fetched with its owner, as the wire has it."""
    return Entry(
        key=entry.key,
        value=raw(entry.value),
        owner=entry.owner_id,
        updated_at=rfc3339(entry.updated_at),
        version=entry.version,
    )
