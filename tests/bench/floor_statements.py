"""What the floors take from the hub, so that they do the same work: its statements, and whose a key is."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import django
import msgspec
import psycopg

from tests.bench.stage import Keys

WHOSE = "SELECT realm_id, id FROM realms_apikey ORDER BY id"
INBOX_LIMIT = 1_000_000
POLLED = 10  # messages at a time


def set_up() -> None:
    """Make the hub's modules importable in this process."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()


def uuid_of(canonical_id: str) -> UUID:
    """Return the UUID that the database holds for an id."""
    set_up()
    from realms import ids

    return ids.uuid_of(canonical_id)


def _whose(url: str) -> list[tuple[UUID, UUID]]:
    with psycopg.connect(url) as connection:
        return connection.execute(WHOSE).fetchall()


def send_statement() -> str:
    """Return the statement that most sends are."""
    set_up()
    from hub.messages.sql import SEND

    return SEND[True, False]


def given(url: str, keys: Keys) -> str:
    """Return, as JSON, what floor (a) has to know."""
    set_up()
    from hub.messages.sql import poll_statement
    from realms.ids import KEY, REALM, id_of

    ids = [(id_of(REALM, realm), id_of(KEY, key), INBOX_LIMIT) for realm, key in _whose(url)]
    credentials = dict(zip((keys.limited, keys.unlimited), ids, strict=True))
    return msgspec.json.encode(
        {"send": send_statement(), "poll": poll_statement(POLLED), "credentials": credentials}
    ).decode()


def poll(url: str) -> tuple[str, Callable[[str], dict[str, Any]]]:
    """Return the statement that polls for ten messages, and what makes its parameters of a session's id."""
    set_up()
    from hub.messages.sql import poll_statement
    from hub.page_bytes import PAGE_BYTES
    from realms import ids

    realm, key = _whose(url)[0]
    same = {
        "realm": realm,
        "key": key,
        "seen_grain": timedelta(seconds=10),
        "category": None,
        "since": None,
        "page_bytes": PAGE_BYTES,
    }
    return poll_statement(POLLED), lambda session: {**same, "session": ids.uuid_of(session)}


def send_values(url: str, sender: str, people: str) -> dict[str, str]:
    """Return the parameters of the send statement as SQL, for pgbench.

    Args:
        people: a table of sessions by `number`; that of a recipient is in pgbench's variable `who`, and two
            random numbers for the message's id are in `a` and `b`.
    """
    realm, key = _whose(url)[0]
    return {
        "id": "(lpad(to_hex(:a::bigint), 16, '0') || lpad(to_hex(:b::bigint), 16, '0'))",
        "realm": f"'{realm}'",
        "key": f"'{key}'",
        "sender": f"'{uuid_of(sender)}'",
        "recipient": f"(SELECT id FROM {people} WHERE number = :who::int)",
        "recipient_ids": "'[]'",
        "category": "'message'",
        "payload": """'{"text":"hello"}'""",
        "envelope": "''",
        "reply_to": "NULL",
        "capability": "''",
        "expires_at": "NULL",
        "inbox_limit": str(INBOX_LIMIT),
        "seen_grain": "'10 seconds'",
        "process": "'00000000-0000-0000-0000-000000000000'",
        "process_timeout": "'15 seconds'",
    }
