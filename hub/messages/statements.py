"""Sending, polling and reading for streams as one PostgreSQL statement each.

They do what the plain forms in `hub.messages.rules` and `hub.messages.feed` do, in one round trip and one
transaction of their own. A statement sees the database as it was when it began, and a row that it then
locks as it is now: what must be current is therefore read from locked rows.
`tests/messages/test_statements.py` holds both forms to the same outcomes.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from accounts.sealing import seal
from hub.idempotency.rules import Attempt
from hub.messages.inbox import Filters, Outgoing
from hub.messages.models import Message
from hub.sessions.acting import SEEN_GRAIN_SECONDS, Caller, mark_seen
from hub.sessions.presence import PROCESS_TIMEOUT_SECONDS
from realms.ids import MESSAGE, SESSION, id_of, uuid_of

# Only one of equal attempts gets its record in; the others find nothing done, and what was kept.
_KEPT = """
), kept AS (
    INSERT INTO hub_idempotencyrecord (realm_id, key_id, name, fingerprint, sealed_answer, created_at)
    SELECT %(realm)s::uuid, %(key)s::uuid, %(attempt)s::text, %(fingerprint)s::bytea,
           CASE WHEN (SELECT bool_and(streaming) FROM present)
                THEN %(if_delivered)s::text ELSE %(if_queued)s::text END,
           clock_timestamp()
    FROM verdict WHERE verdict.good
    ON CONFLICT (key_id, name) DO NOTHING
    RETURNING id
), going AS MATERIALIZED (
    SELECT EXISTS (SELECT 1 FROM kept) AS good
"""


_UNGRANTED = """
), ungranted AS (
    SELECT recipient FROM unnest(%(recipients)s::uuid[]) AS recipient
    WHERE %(delegate)s::boolean AND recipient <> %(sender)s::uuid AND NOT (
        EXISTS (
            SELECT 1 FROM hub_session target
            WHERE target.id = recipient AND target.realm_id = %(realm)s::uuid
              AND target.capabilities ? %(capability)s::text)
        AND EXISTS (
            SELECT 1 FROM hub_grant held
            WHERE held.requester_id = %(sender)s::uuid AND held.grantor_id = recipient
              AND held.realm_id = %(realm)s::uuid AND held.capability = %(capability)s::text
              AND held.status = 'active' AND held.expires_at > clock_timestamp()))
"""

# Which messages of an inbox a poll asks for.
_UNREAD = """
    message.realm_id = %(realm)s::uuid AND delivery.read_at IS NULL
    AND (message.expires_at IS NULL OR message.expires_at > clock_timestamp())
    AND (%(category)s::text IS NULL OR message.category = %(category)s::text)
    AND (%(since)s::timestamptz IS NULL OR message.sent_at >= %(since)s::timestamptz)
"""


def _send_statement(*, to_one: bool, keeps: bool) -> str:
    """Return the statement that sends, with or without keeping the answer of an attempt.

    `sender` and `locked` find and lock; `verdict` is true if every check holds; the rest happens only then.

    Args:
        to_one: for one recipient, and no delegate. Of an array PostgreSQL does not know how long it will be,
            so that it would plan the statement anew each time: as long again as it takes to do it.
    """
    recipients = "= %(recipient)s::uuid" if to_one else "= ANY(%(recipients)s::uuid[])"
    count = "1" if to_one else "cardinality(%(recipients)s::uuid[])"
    granted = "" if to_one else "AND NOT EXISTS (SELECT 1 FROM ungranted)"
    going = "going" if keeps else "verdict"
    return f"""
WITH sender AS (
    SELECT id, last_seen, status FROM hub_session
    WHERE id = %(sender)s::uuid AND realm_id = %(realm)s::uuid AND key_id = %(key)s::uuid
      AND status <> 'deregistered'
), locked AS MATERIALIZED (
    SELECT session_id, unread FROM hub_inbox
    WHERE realm_id = %(realm)s::uuid AND session_id {recipients}
    ORDER BY session_id FOR UPDATE
), present AS MATERIALIZED (
    SELECT session_id, EXISTS (
        SELECT 1 FROM hub_openstream stream JOIN hub_liveprocess process ON process.id = stream.process_id
        WHERE stream.session_id = locked.session_id AND stream.realm_id = %(realm)s::uuid
          AND process.beat_at > clock_timestamp() - %(process_timeout)s::interval) AS streaming
    FROM locked
{"" if to_one else _UNGRANTED}
), verdict AS MATERIALIZED (
    SELECT EXISTS (SELECT 1 FROM sender) AND count(*) = {count} {granted}
       AND coalesce(max(unread), 0) < %(inbox_limit)s::int AS good
    FROM locked
{_KEPT if keeps else ""}
), bumped AS (
    UPDATE hub_inbox SET seq = hub_inbox.seq + 1, unread = hub_inbox.unread + 1
    FROM locked, {going}
    WHERE {going}.good AND hub_inbox.session_id = locked.session_id AND hub_inbox.realm_id = %(realm)s::uuid
    RETURNING hub_inbox.session_id, hub_inbox.seq
), message AS (
    INSERT INTO hub_message (id, realm_id, sender_id, recipients, category, payload, envelope, reply_to,
                             capability, sent_at, expires_at)
    SELECT %(id)s::uuid, %(realm)s::uuid, %(sender)s::uuid, %(recipient_ids)s::jsonb, %(category)s::text,
           %(payload)s::text, %(envelope)s::text, %(reply_to)s::uuid, %(capability)s::text,
           clock_timestamp(), %(expires_at)s::timestamptz
    FROM {going} WHERE {going}.good
), delivered AS (
    INSERT INTO hub_delivery (recipient_id, seq, message_id, delivered_at)
    SELECT session_id, seq, %(id)s::uuid, CASE WHEN streaming THEN clock_timestamp() END
    FROM bumped JOIN present USING (session_id)
    RETURNING recipient_id, delivered_at
)
SELECT count(*), array_agg(recipient_id) FILTER (WHERE delivered_at IS NOT NULL),
       (SELECT last_seen < clock_timestamp() - %(seen_grain)s::interval OR status = 'inactive' FROM sender)
FROM delivered
"""  # noqa: S608  put together from what stands here


# By whether they are for one recipient, and keep the answer.
SEND = {
    (to_one, keeps): _send_statement(to_one=to_one, keeps=keeps)
    for to_one in (True, False)
    for keeps in (True, False)
}

# Whose session it is not gets no row; who has nothing to read, one without a message. A poller that waited
# for the lock may find that others took what it saw: `marked` leaves that out. What it marks it delivers and
# reads at one time, which the clock would give it twice.
POLL = f"""
WITH session AS (
    SELECT id, last_seen < clock_timestamp() - %(seen_grain)s::interval OR status = 'inactive' AS is_stale
    FROM hub_session
    WHERE id = %(session)s::uuid AND realm_id = %(realm)s::uuid AND key_id = %(key)s::uuid
      AND status <> 'deregistered'
), inbox AS MATERIALIZED (
    SELECT hub_inbox.session_id FROM session JOIN hub_inbox ON hub_inbox.session_id = session.id
    WHERE hub_inbox.realm_id = %(realm)s::uuid FOR UPDATE OF hub_inbox
), unread AS MATERIALIZED (
    SELECT delivery.seq, message.id, message.sender_id, message.category, message.payload,
           message.envelope, message.reply_to, message.capability, message.sent_at, message.expires_at
    FROM inbox JOIN hub_delivery delivery ON delivery.recipient_id = inbox.session_id
    JOIN hub_message message ON message.id = delivery.message_id
    WHERE {_UNREAD}
    ORDER BY delivery.seq LIMIT %(limit)s::int
), marked AS (
    UPDATE hub_delivery SET read_at = statement_timestamp(),
           delivered_at = coalesce(hub_delivery.delivered_at, statement_timestamp())
    FROM unread
    WHERE hub_delivery.recipient_id = %(session)s::uuid AND hub_delivery.seq = unread.seq
      AND hub_delivery.read_at IS NULL
    RETURNING hub_delivery.seq
), counted AS (
    UPDATE hub_inbox SET unread = hub_inbox.unread - (SELECT count(*) FROM marked)
    FROM inbox
    WHERE hub_inbox.session_id = inbox.session_id AND hub_inbox.realm_id = %(realm)s::uuid
      AND EXISTS (SELECT 1 FROM marked)
), page AS (
    SELECT count(*) AS size FROM unread
)
SELECT session.is_stale,
       CASE WHEN page.size < %(limit)s::int THEN page.size ELSE (
           SELECT count(*) FROM hub_delivery delivery
           JOIN hub_message message ON message.id = delivery.message_id
           WHERE delivery.recipient_id = %(session)s::uuid AND {_UNREAD}
       ) END,
       marked.seq, unread.id, unread.sender_id, unread.category,
       unread.payload, unread.envelope, unread.reply_to, unread.capability, unread.sent_at, unread.expires_at
FROM session CROSS JOIN page LEFT JOIN unread ON TRUE LEFT JOIN marked ON marked.seq = unread.seq
ORDER BY unread.seq
"""  # noqa: S608  put together from what stands here

# From each inbox apart: one index range each, however many there are.
READ_MANY = """
SELECT found.* FROM unnest(%(inboxes)s::uuid[], %(after)s::bigint[]) AS wanted (session_id, after)
CROSS JOIN LATERAL (
    SELECT delivery.recipient_id, delivery.seq, octet_length(message.payload) <= %(carried_bytes)s::int,
           message.id, message.sender_id, message.category,
           CASE WHEN octet_length(message.payload) <= %(carried_bytes)s::int
                THEN message.payload ELSE '' END,
           message.envelope, message.reply_to, message.capability, message.sent_at, message.expires_at
    FROM hub_delivery delivery JOIN hub_message message ON message.id = delivery.message_id
    WHERE delivery.recipient_id = wanted.session_id AND delivery.seq > wanted.after
      AND (message.expires_at IS NULL OR message.expires_at > clock_timestamp())
    ORDER BY delivery.seq LIMIT %(limit)s::int
) AS found
ORDER BY found.recipient_id, found.seq LIMIT %(limit)s::int
"""

_SEEN_GRAIN = timedelta(seconds=SEEN_GRAIN_SECONDS)
_PROCESS_TIMEOUT = timedelta(seconds=PROCESS_TIMEOUT_SECONDS)


@dataclass(frozen=True, slots=True)
class Keeping:
    """The attempt that a send is, with its answers, of which the one that comes true is kept."""

    attempt: Attempt
    if_queued: bytes
    if_delivered: bytes


def send(caller: Caller, outgoing: Outgoing, keeping: Keeping | None = None) -> list[str] | None:
    """Send a message if all checks hold, and keep the answer if that is asked for and none is kept yet.

    Returns:
        The recipients that have a stream open; None if nothing was done.
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
        count, streaming, is_stale = cursor.fetchone()
    if not count:
        return None
    if is_stale:
        # Afterwards, and not in the statement or its transaction: whoever ends a session locks its row
        # before any inbox.
        transaction.on_commit(partial(mark_seen, outgoing.realm_id, str(outgoing.sender_id)))
    return [id_of(SESSION, recipient) for recipient in streaming or ()]


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
        "process_timeout": _PROCESS_TIMEOUT,
    }


def poll(caller: Caller, session_id: str, filters: Filters) -> tuple[list[Message], int] | None:
    """Return unread messages, now marked as read, and how many unread ones matched.

    Returns:
        None if the session is none of the caller's key.
    """
    parameters: dict[str, Any] = {
        "realm": uuid_of(caller.realm_id),
        "key": uuid_of(caller.key.key_id),
        "session": uuid_of(session_id),
        "seen_grain": _SEEN_GRAIN,
        "category": filters.category,
        "since": filters.since,
        "limit": filters.limit,
    }
    with connection.cursor() as cursor:
        while True:
            cursor.execute(POLL, parameters)
            rows = cursor.fetchall()
            if not rows:
                return None
            is_stale, count, _, found, *_ = rows[0]
            mine = [_message(*row[3:]) for row in rows if row[2] is not None]
            if mine or found is None:
                break  # else other pollers took all of the page while this one waited: look again
    if is_stale:
        transaction.on_commit(partial(mark_seen, caller.realm_id, session_id))
    taken_by_others = len(rows) - len(mine) if found is not None else 0
    return mine, count - taken_by_others


def read_many(
    cursors: Mapping[str, int], *, limit: int, carried_bytes: int
) -> list[tuple[str, int, Message, bool]]:
    """Return what follows in each inbox beyond its number, at most `limit` in all.

    Returns:
        For each message: session id, number in its inbox, message, and whether it is complete. The payload
        of one that is not, since it is larger than `carried_bytes`, is empty.
    """
    parameters: dict[str, Any] = {
        "inboxes": [uuid_of(session_id) for session_id in cursors],
        "after": list(cursors.values()),
        "limit": limit,
        "carried_bytes": carried_bytes,
    }
    with connection.cursor() as cursor:
        cursor.execute(READ_MANY, parameters)
        rows = cursor.fetchall()
    return [(id_of(SESSION, row[0]), row[1], _message(*row[3:]), row[2]) for row in rows]


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
