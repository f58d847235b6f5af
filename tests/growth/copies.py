"""Rows by the hundred thousand: copies of one that the hub made, with what has to differ."""

import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from realms.ids import id_of, uuid_of

_IN_INBOX = 50_000_000  # numbers of copies beyond those of other messages
_SERIAL = 10_000_000  # beyond those that the database itself has given to rows
_AGO = "clock_timestamp() - interval '20 days' + n * interval '10 seconds'"


def id_of_copy(prefix: str, number: int) -> str:
    """Return the id of a copy: it tells its number."""
    return id_of(prefix, uuid.UUID(int=number))


@dataclass(frozen=True)
class Copies:
    """Makes them, in whatever transaction the connection is in: copies of what `like` names."""

    connection: psycopg.Connection[Any]

    def sessions(self, like: str, numbers: range, *, in_realms: bool = False) -> None:
        """Add sessions with an inbox each, in the same realm or one in each copy of a realm."""
        where = {"realm_id": _id_of("n")} if in_realms else {}
        self._add(
            "hub_session",
            f"sample.id = '{uuid_of(like)}'",
            numbers,
            id=_id_of("n"),
            name="'copy-' || n",
            last_seen="clock_timestamp()",
            **where,
        )
        self._add(
            "hub_inbox", f"sample.session_id = '{uuid_of(like)}'", numbers, session_id=_id_of("n"), **where
        )

    def realms(self, like: str, numbers: range) -> None:
        """Add realms like that of a session, with nothing in them."""
        which = f"sample.id = (SELECT realm_id FROM hub_session WHERE id = '{uuid_of(like)}')"
        self._add("realms_realm", which, numbers, id=_id_of("n"), slug="'copy-' || n")

    def streams(self, like: str, numbers: range) -> None:
        """Have copies of sessions have a stream open each."""
        self._add("hub_openstream", f"sample.id = '{like}'", numbers, id=_id_of("n"), session_id=_id_of("n"))

    def grants(self, like: str, numbers: range, *, sessions: int) -> None:
        """Add active grants, by turns from a copy of a session and to one, with the other side as it is."""
        other = _id_of(f"1 + n % {sessions}")
        self._add(
            "hub_grant",
            f"sample.id = '{uuid_of(like)}'",
            numbers,
            id=_id_of("n"),
            grantor_id=f"CASE n % 2 WHEN 0 THEN {other} ELSE sample.grantor_id END",
            requester_id=f"CASE n % 2 WHEN 1 THEN {other} ELSE sample.requester_id END",
        )

    def namespaces(self, like: str, numbers: range) -> None:
        """Add namespaces of memory, owned by a copy of a session each."""
        self._add(
            "hub_memorynamespace",
            f"sample.name = '{like}'",
            numbers,
            id=f"{_SERIAL} + n",
            name="'copy-' || n",
            owner_id=_id_of("n"),
        )

    def entries(self, like: str, numbers: range, *, namespaces: int) -> None:
        """Add entries of memory, spread over some copies of namespaces."""
        self._add(
            "hub_memoryentry",
            f"sample.key = '{like}'",
            numbers,
            id=f"{_SERIAL} + n",
            namespace_id=f"{_SERIAL + 1} + n % {namespaces}",
            key=f"'copy-' || 1 + n % {namespaces} || '.notes.' || n",
        )

    def messages(self, like: str, numbers: range, *, sessions: int) -> None:
        """Add messages: each came to one of some copies of sessions, which read it."""
        self._add("hub_message", f"sample.id = '{uuid_of(like)}'", numbers, id=_id_of("n"), sent_at=_AGO)
        self._add(
            "hub_delivery",
            f"sample.message_id = '{uuid_of(like)}'",
            numbers,
            message_id=_id_of("n"),
            recipient_id=_id_of(f"1 + n % {sessions}"),
            seq=f"1 + n / {sessions}",
            read_at=_AGO,
        )

    def inbox(self, like: str, *, read: int, unread: int) -> None:
        """Put more copies of a message into the inbox that it is in: read ones, then unread ones."""
        numbers, number = range(1, read + unread + 1), _id_of(f"{_IN_INBOX} + n")
        self._add("hub_message", f"sample.id = '{uuid_of(like)}'", numbers, id=number)
        self._add(
            "hub_delivery",
            f"sample.message_id = '{uuid_of(like)}'",
            numbers,
            message_id=number,
            seq=f"{_IN_INBOX} + n",
            read_at=f"CASE WHEN n <= {read} THEN clock_timestamp() END",
        )
        self.connection.execute(
            "UPDATE hub_inbox SET seq = %s, unread = hub_inbox.unread + %s FROM hub_delivery delivery "
            "WHERE delivery.message_id = %s AND delivery.recipient_id = hub_inbox.session_id",
            [_IN_INBOX + read + unread, unread, uuid_of(like)],
        )

    def attempts(self, numbers: range) -> None:
        """Add copies of the first answer that was kept."""
        self._add(
            "hub_idempotencyrecord",
            "sample.id = (SELECT min(id) FROM hub_idempotencyrecord)",
            numbers,
            id=f"{_SERIAL} + n",
            name="'copy-' || n",
        )

    def settle(self) -> None:
        """Have the planner know of them."""
        self.connection.execute("ANALYZE")

    def _add(self, table: str, which: str, numbers: range, **differing: str) -> None:
        changes = ", ".join(f"'{column}', {expression}" for column, expression in differing.items())
        self.connection.execute(
            sql.SQL(
                f"INSERT INTO {table} SELECT made.* FROM {table} AS sample "
                f"CROSS JOIN generate_series({numbers.start}, {numbers.stop - 1}) AS n CROSS JOIN LATERAL "
                f"jsonb_populate_record(sample, jsonb_build_object({changes})) AS made WHERE {which}"
            )
        )


def _id_of(number: str) -> str:
    return f"lpad(to_hex({number}), 32, '0')::uuid"
