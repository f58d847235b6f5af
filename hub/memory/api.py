"""Memory: the viewset."""

from typing import Annotated

from msgspec import UNSET, Meta

from hub.api import examples
from hub.api.endpoint import Answer, Link, endpoint
from hub.api.pages import ListQuery, page_of
from hub.api.viewset import HubViewSet
from hub.memory import bodies, rules
from hub.sessions.acting import Caller, acting_session


class MemoryQuery(ListQuery, kw_only=True, forbid_unknown_fields=True):
    """Which entries to read."""

    namespace: Annotated[
        bodies.MemoryKey | None, Meta(description="This key and everything below it, dot by dot.")
    ] = None


def _check_may_write(caller: Caller, body: bodies.MemoryWrite) -> None:
    rules.check_may_write(session=acting_session(caller), keys=[entry.key for entry in body.entries])


class MemoryViewSet(HubViewSet):
    """The realm's shared store of JSON values."""

    @endpoint(
        "Read memory",
        query=MemoryQuery,
        answer=bodies.EntryList,
        acts=True,
        lists=True,
        paged=True,
        refuses=("invalid_cursor", "realm_access_denied", "grant_required"),
        example=examples.READ_MEMORY,
    )
    def read(self, caller: Caller, query: MemoryQuery) -> Answer:
        """The entries that the acting session owns or holds an active memory.read grant for, by key.

        A namespace with entries of which it may read none is a 403; an empty one is an empty list.
        """
        caller.check_realm(query.realm)
        session = acting_session(caller)
        entries = rules.read_namespace(session=session, prefix=query.namespace)
        page, headers = page_of(
            entries.with_owner(), by="key", answer=bodies.entry_answer, view=self, query=query, size="size"
        )
        return Answer(bodies.EntryList(entries=page), headers)

    @endpoint(
        "Write memory",
        body=bodies.MemoryWrite,
        check_right=_check_may_write,
        answer=bodies.MemoryWritten,
        acts=True,
        refuses=("grant_required", "quota_exceeded", "version_conflict", "value_too_large"),
        example=examples.WRITE_MEMORY,
        links=(
            Link(
                "memory_get_entry",
                "Read the first entry back.",
                {
                    "key": "$response.body#/entries/0",
                    "header.X-AISP-Session": "$request.header.X-AISP-Session",
                },
            ),
            Link(
                "memory_delete_entry",
                "Delete the first entry.",
                {
                    "key": "$response.body#/entries/0",
                    "header.X-AISP-Session": "$request.header.X-AISP-Session",
                },
            ),
        ),
    )
    def write(self, caller: Caller, body: bodies.MemoryWrite) -> bodies.MemoryWritten:
        """All entries or none. Who first writes a namespace owns it; others need a memory.write grant."""
        writes = [
            rules.Write(
                key=entry.key,
                value=bytes(entry.value),
                if_version=None if entry.if_version is UNSET else entry.if_version,
            )
            for entry in body.entries
        ]
        keys = rules.write_entries(session=acting_session(caller), writes=writes)
        return bodies.MemoryWritten(written=len(keys), entries=keys)

    @endpoint(
        "Read one entry",
        answer=bodies.Entry,
        acts=True,
        refuses=("memory_key_not_found", "grant_required"),
        example=examples.GET_ENTRY,
    )
    def get_entry(self, caller: Caller, key: str) -> bodies.Entry:
        """The acting session owns the entry or holds an active memory.read grant for it."""
        return bodies.entry_answer(rules.read_entry(session=acting_session(caller), key=key))

    @endpoint(
        "Delete an entry",
        answer=bodies.EntryDeleted,
        acts=True,
        refuses=("memory_key_not_found", "grant_required"),
        example=examples.DELETE_ENTRY,
    )
    def delete_entry(self, caller: Caller, key: str) -> bodies.EntryDeleted:
        """The acting session owns the entry or holds an active memory.delete grant for it."""
        session = acting_session(caller)
        rules.delete_entry(session=session, key=key, by=caller.acting_as(session))
        return bodies.EntryDeleted(deleted=True, key=key)
