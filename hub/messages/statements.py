"""Sending, polling, and reading and marking for streams as one PostgreSQL statement each.

They do what the plain forms in `hub.messages.rules`, `reading` and `feed` do, in one round trip and one
transaction of their own. A statement sees the database as it was when it began, and a row that it then
locks as it is now: what must be current is therefore read from locked rows.
`tests/messages/test_statements.py` and `test_reading_statements.py` hold both forms to the same outcomes.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from accounts.sealing import seal
from hub.bell import bell
from hub.idempotency.rules import Attempt
from hub.messages.inbox import Filters, Outgoing
from hub.messages.models import Message
from hub.messages.sql import MARK_SENT, READ_MANY, SEND, page_statement, poll_statement
from hub.sessions.acting import SEEN_GRAIN_SECONDS, Caller, mark_seen
from hub.sessions.presence import PROCESS_TIMEOUT_SECONDS
from realms.ids import MESSAGE, SESSION, id_of, uuid_of

_SEEN_GRAIN = timedelta(seconds=SEEN_GRAIN_SECONDS)
_PROCESS_TIMEOUT = timedelta(seconds=PROCESS_TIMEOUT_SECONDS)


@dataclass(frozen=True, slots=True)
class Keeping:
    """The attempt that a send is, with its answers, of which the one that comes true is kept."""

    attempt: Attempt
    if_queued: bytes
    if_delivered: bytes


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that lies in the inboxes of all its recipients.

    Attributes:
        numbers: its number in each inbox that has a stream open, by session.
        elsewhere: those sessions that have one open in another process.
    """

    sent_at: datetime
    numbers: dict[str, int]
    elsewhere: list[str]


def send(caller: Caller, outgoing: Outgoing, keeping: Keeping | None = None) -> Posted | None:
    """Send a message if all checks hold, and keep the answer if that is asked for and none is kept yet.

    Returns:
        None if nothing was done.
    """
    parameters = send_parameters(caller.key.key_id, caller.key.inbox_limit, outgoing)
    if keeping is not None:
        parameters |= {
            "attempt": keeping.attempt.name,
            "fingerprint": keeping.attempt.fingerprint,
            "if_queued": seal(keeping.if_queued),
            "if_delivered": seal(keeping.if_delivered),
        }
    to_one = len(outgoing.recipients) == 1 and not outgoing.capability
    with connection.cursor() as cursor:
        cursor.execute(SEND[to_one, keeping is not None], parameters)
        sent_at, streaming, numbers, elsewhere, is_stale = cursor.fetchone()
    if sent_at is None:
        return None
    if is_stale:
        # Afterwards, and not in the statement or its transaction: whoever ends a session locks its row
        # before any inbox.
        transaction.on_commit(partial(mark_seen, outgoing.realm_id, str(outgoing.sender_id)))
    return Posted(
        sent_at,
        dict(zip(_sessions(streaming), numbers or (), strict=True)),
        _sessions(elsewhere),
    )


def _sessions(found: list[uuid.UUID] | None) -> list[str]:
    return [id_of(SESSION, each) for each in found or ()]


def send_parameters(key_id: str, inbox_limit: int, outgoing: Outgoing) -> dict[str, Any]:
    """Return the parameters of `SEND` for a message of a session that the key owns."""
    assert outgoing.sender_id is not None
    recipients = [uuid_of(recipient) for recipient in outgoing.recipients]
    return {
        "id": uuid_of(outgoing.id),
        "realm": uuid_of(outgoing.realm_id),
        "key": uuid_of(key_id),
        "sender": uuid_of(outgoing.sender_id),
        "recipient": recipients[0],
        "recipients": recipients,
        "recipient_ids": Jsonb(outgoing.recipients),
        "category": outgoing.category,
        "payload": outgoing.payload,
        "envelope": outgoing.envelope,
        "reply_to": uuid_of(outgoing.reply_to) if outgoing.reply_to else None,
        "capability": outgoing.capability,
        "delegate": bool(outgoing.capability),
        "expires_at": outgoing.expires_at,
        "inbox_limit": inbox_limit,
        "seen_grain": _SEEN_GRAIN,
        "process": bell.process_id,
        "process_timeout": _PROCESS_TIMEOUT,
    }


def poll(caller: Caller, session_id: str, filters: Filters) -> tuple[list[Message], int | None] | None:
    """Return unread messages, now marked as read, and how many unread ones matched.

    Returns:
        Instead of how many, None if it would have to be counted; None in all if the session is none of the
        caller's key.
    """
    parameters: dict[str, Any] = {
        "realm": uuid_of(caller.realm_id),
        "key": uuid_of(caller.key.key_id),
        "session": uuid_of(session_id),
        "seen_grain": _SEEN_GRAIN,
        "category": filters.category,
        "since": filters.since,
        "page_bytes": filters.page_bytes,
    }
    with connection.cursor() as cursor:
        while True:
            cursor.execute(poll_statement(filters.limit), parameters)
            rows = cursor.fetchall()
            if not rows:
                return None
            is_stale, unread, matched, _, found, *_ = rows[0]
            mine = [_message(*row[4:]) for row in rows if row[3] is not None]
            if mine or found is None:
                break  # else other pollers took all of the page while this one waited: look again
    if is_stale:
        transaction.on_commit(partial(mark_seen, caller.realm_id, session_id))
    if found is None:
        return mine, 0
    if matched < filters.limit:  # what did not fit on the page is unread too
        return mine, len(mine) + matched - len(rows)
    return mine, unread if filters.take_all else None


# Session id, number in its inbox, message, and whether it is complete: a payload that is too large is empty.
Found = tuple[str, int, Message, bool]


def read_page(
    realm_id: str, session_id: str, *, after: int, unread_up_to: int, limit: int, carried_bytes: int
) -> list[Found]:
    """Return what follows in an inbox beyond the number `after`; up to another one only what is unread.

    Args:
        carried_bytes: of a payload that comes with its message.
    """
    parameters: dict[str, Any] = {
        "realm": uuid_of(realm_id),
        "session": uuid_of(session_id),
        "after": after,
        "unread_up_to": unread_up_to,
        "carried_bytes": carried_bytes,
    }
    with connection.cursor() as cursor:
        cursor.execute(page_statement(limit, is_unread=after < unread_up_to), parameters)
        return list(map(_found, cursor.fetchall()))


def read_many(cursors: Mapping[str, int], *, each: int, carried_bytes: int) -> list[Found]:
    """Return what follows in each inbox beyond its number, at most so many of each."""
    parameters: dict[str, Any] = {
        "inboxes": [uuid_of(session_id) for session_id in cursors],
        "after": list(cursors.values()),
        "each": each,
        "carried_bytes": carried_bytes,
    }
    with connection.cursor() as cursor:
        cursor.execute(READ_MANY, parameters)
        return list(map(_found, cursor.fetchall()))


def _found(row: tuple[Any, ...]) -> Found:
    return id_of(SESSION, row[0]), row[1], _message(*row[3:]), row[2]


def mark_sent(sent: Mapping[str, Collection[int]]) -> None:
    """Mark as read what streams have sent: the numbers of messages, by inbox."""
    numbers = [(uuid_of(session_id), seq) for session_id, seqs in sent.items() for seq in seqs]
    parameters: dict[str, Any] = {
        "inboxes": [uuid_of(session_id) for session_id in sent],
        "sent_to": [inbox for inbox, _ in numbers],
        "seqs": [seq for _, seq in numbers],
    }
    with connection.cursor() as cursor:
        cursor.execute(MARK_SENT, parameters)


def _message(
    message: uuid.UUID,
    sender: uuid.UUID | None,
    category: str,
    payload: str,
    envelope: str,
    reply_to: uuid.UUID | None,
    capability: str,
    sent_at: datetime,
    expires_at: datetime | None,
) -> Message:
    return Message(
        id=id_of(MESSAGE, message),
        sender_id=id_of(SESSION, sender) if sender else None,
        category=category,
        payload=payload,
        envelope=envelope,
        reply_to=reply_to,
        capability=capability,
        sent_at=sent_at,
        expires_at=expires_at,
    )
