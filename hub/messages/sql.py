"""The texts of the statements that `hub.messages.statements` runs.

What is found by its id has realm and key compared by IS NOT DISTINCT FROM, for which no index is used: one of
the realm looks as cheap while statistics are of a hub that was empty, and reads all that the realm has.

How many rows are wanted stands in the texts of reads themselves. Of a limit that it is not told PostgreSQL
assumes a tenth of all there is: with a backlog the plan that it keeps looks dearer than any new one, and it
plans each time, which takes longer than the reading.
"""

from functools import cache

from hub.page_bytes import ITEM_BYTES

# Only one of equal attempts gets its record in; the others find nothing done, and what was kept.
_KEPT = """
), kept AS (
    INSERT INTO hub_idempotencyrecord (realm_id, key_id, name, fingerprint, sealed_answer, created_at)
    SELECT %(realm)s::uuid, %(key)s::uuid, %(attempt)s::text, %(fingerprint)s::bytea,
           CASE WHEN (SELECT bool_and(elsewhere IS NOT NULL) FROM present)
                THEN %(if_delivered)s::text ELSE %(if_queued)s::text END,
           clock_timestamp()
    FROM verdict WHERE verdict.good
    ON CONFLICT (key_id, name) DO NOTHING
    RETURNING id
), going AS MATERIALIZED (
    SELECT EXISTS (SELECT 1 FROM kept) AS good
"""

# Only a delegate needs a grant, which each recipient other than the sender has to have given.
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

# Each message by its id (OFFSET 0 sees to it), and not all of a realm or a table at once.
_MESSAGE = """
    JOIN LATERAL (
        SELECT * FROM hub_message
        WHERE hub_message.id = delivery.message_id
          AND hub_message.realm_id IS NOT DISTINCT FROM %(realm)s::uuid OFFSET 0
    ) AS message ON TRUE
"""

_HELD = "(message.expires_at IS NULL OR message.expires_at > clock_timestamp())"

# Which messages of an inbox a poll asks for.
_UNREAD = f"""
    delivery.read_at IS NULL AND {_HELD}
    AND (%(category)s::text IS NULL OR message.category = %(category)s::text)
    AND (%(since)s::timestamptz IS NULL OR message.sent_at >= %(since)s::timestamptz)
"""


def _send_statement(*, to_one: bool, keeps: bool) -> str:
    """Return the statement that sends, with or without keeping the answer of an attempt.

    `sender` and `locked` find and lock; `present` tells whether a stream is open in another process (NULL:
    in none); `verdict` is true if every check holds; the rest happens only then.
    `OFFSET 0` keeps processes from being looked up first, and all their streams by them.

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
    WHERE id = %(sender)s::uuid AND realm_id IS NOT DISTINCT FROM %(realm)s::uuid
      AND key_id IS NOT DISTINCT FROM %(key)s::uuid
      AND status <> 'deregistered'
), locked AS MATERIALIZED (
    SELECT session_id, unread FROM hub_inbox
    WHERE realm_id IS NOT DISTINCT FROM %(realm)s::uuid AND session_id {recipients}
    ORDER BY session_id FOR UPDATE
), present AS MATERIALIZED (
    SELECT session_id, (
        SELECT bool_or(stream.process_id <> %(process)s::uuid) FROM hub_openstream stream
        WHERE stream.session_id = locked.session_id AND stream.realm_id = %(realm)s::uuid AND EXISTS (
            SELECT 1 FROM hub_liveprocess process
            WHERE process.id = stream.process_id
              AND process.beat_at > clock_timestamp() - %(process_timeout)s::interval OFFSET 0)) AS elsewhere
    FROM locked
{"" if to_one else _UNGRANTED}
), verdict AS MATERIALIZED (
    SELECT EXISTS (SELECT 1 FROM sender) AND count(*) = {count} {granted}
       AND coalesce(max(unread), 0) < %(inbox_limit)s::int AS good
    FROM locked
{_KEPT if keeps else ""}
), bumped AS (
    UPDATE hub_inbox SET seq = hub_inbox.seq + 1, unread = hub_inbox.unread + 1,
           first_expiry = CASE WHEN hub_inbox.unread = 0 THEN %(expires_at)s::timestamptz
                               ELSE least(hub_inbox.first_expiry, %(expires_at)s::timestamptz) END
    FROM locked, {going}
    WHERE {going}.good AND hub_inbox.session_id = locked.session_id
      AND hub_inbox.realm_id IS NOT DISTINCT FROM %(realm)s::uuid
    RETURNING hub_inbox.session_id, hub_inbox.seq
), message AS (
    INSERT INTO hub_message (id, realm_id, sender_id, recipients, category, payload, envelope, reply_to,
                             capability, sent_at, expires_at)
    SELECT %(id)s::uuid, %(realm)s::uuid, %(sender)s::uuid, %(recipient_ids)s::jsonb, %(category)s::text,
           %(payload)s::text, %(envelope)s::text, %(reply_to)s::uuid, %(capability)s::text,
           clock_timestamp(), %(expires_at)s::timestamptz
    FROM {going} WHERE {going}.good
    RETURNING sent_at
), delivered AS (
    INSERT INTO hub_delivery (recipient_id, seq, message_id, delivered_at)
    SELECT session_id, seq, %(id)s::uuid, CASE WHEN elsewhere IS NOT NULL THEN clock_timestamp() END
    FROM bumped JOIN present USING (session_id)
)
SELECT (SELECT sent_at FROM message),
       array_agg(session_id) FILTER (WHERE elsewhere IS NOT NULL),
       array_agg(seq) FILTER (WHERE elsewhere IS NOT NULL),
       array_agg(session_id) FILTER (WHERE elsewhere),
       (SELECT last_seen < clock_timestamp() - %(seen_grain)s::interval OR status = 'inactive' FROM sender)
FROM bumped JOIN present USING (session_id)
"""  # noqa: S608  put together from what stands here


# By whether they are for one recipient, and keep the answer.
SEND = {
    (to_one, keeps): _send_statement(to_one=to_one, keeps=keeps)
    for to_one in (True, False)
    for keeps in (True, False)
}


# Whose session it is not gets no row; who has nothing to read, one without a message. A poller that waited
# for the lock may find that others took what it saw: `marked` leaves that out. What it marks it delivers and
# reads at one time, which the clock would give it twice. How many are unread the locked inbox tells, unless
# some may have expired. They are not counted here: that would be most of what the statement seems to cost,
# and grow with the backlog, so that PostgreSQL would plan it anew for each poll.
@cache
def poll_statement(limit: int) -> str:
    """Return the statement that takes at most `limit` unread messages, one or what `page_bytes` hold."""
    return f"""
WITH session AS (
    SELECT id, last_seen < clock_timestamp() - %(seen_grain)s::interval OR status = 'inactive' AS is_stale
    FROM hub_session
    WHERE id = %(session)s::uuid AND realm_id IS NOT DISTINCT FROM %(realm)s::uuid
      AND key_id IS NOT DISTINCT FROM %(key)s::uuid
      AND status <> 'deregistered'
), inbox AS MATERIALIZED (
    SELECT hub_inbox.session_id, hub_inbox.unread, hub_inbox.first_expiry
    FROM session JOIN hub_inbox ON hub_inbox.session_id = session.id
    WHERE hub_inbox.realm_id IS NOT DISTINCT FROM %(realm)s::uuid FOR UPDATE OF hub_inbox
), unread AS MATERIALIZED (
    SELECT delivery.seq, message.id, message.sender_id, message.category, message.payload,
           message.envelope, message.reply_to, message.capability, message.sent_at, message.expires_at
    FROM hub_delivery delivery
    {_MESSAGE}
    WHERE delivery.recipient_id = %(session)s::uuid AND (SELECT unread > 0 FROM inbox) AND {_UNREAD}
    ORDER BY delivery.seq LIMIT {limit}
), page AS MATERIALIZED (
    SELECT * FROM (
        SELECT *, sum({ITEM_BYTES} + octet_length(payload) + octet_length(envelope)) OVER (ORDER BY seq)
                  AS bytes
        FROM unread
    ) AS summed WHERE bytes <= %(page_bytes)s::bigint OR seq = (SELECT min(seq) FROM unread)
), marked AS (
    UPDATE hub_delivery SET read_at = statement_timestamp(),
           delivered_at = coalesce(hub_delivery.delivered_at, statement_timestamp())
    FROM page
    WHERE hub_delivery.recipient_id = %(session)s::uuid AND hub_delivery.seq = page.seq
      AND hub_delivery.seq BETWEEN (SELECT min(seq) FROM page) AND (SELECT max(seq) FROM page)
      AND hub_delivery.read_at IS NULL
    RETURNING hub_delivery.seq
), counted AS (
    UPDATE hub_inbox SET unread = hub_inbox.unread - (SELECT count(*) FROM marked)
    FROM inbox
    WHERE hub_inbox.session_id = inbox.session_id
      AND hub_inbox.realm_id IS NOT DISTINCT FROM %(realm)s::uuid
      AND EXISTS (SELECT 1 FROM marked)
)
SELECT session.is_stale, (SELECT unread FROM inbox WHERE coalesce(first_expiry > clock_timestamp(), TRUE)),
       (SELECT count(*) FROM unread), marked.seq, page.id, page.sender_id, page.category,
       page.payload, page.envelope, page.reply_to, page.capability, page.sent_at, page.expires_at
FROM session LEFT JOIN page ON TRUE LEFT JOIN marked ON marked.seq = page.seq
ORDER BY page.seq
"""  # noqa: S608  put together from what stands here


# A message as streams read it, without its payload if that is large.
_EVENT = """
    SELECT delivery.recipient_id, delivery.seq, octet_length(message.payload) <= %(carried_bytes)s::int,
           message.id, message.sender_id, message.category,
           CASE WHEN octet_length(message.payload) <= %(carried_bytes)s::int
                THEN message.payload ELSE '' END,
           message.envelope, message.reply_to, message.capability, message.sent_at, message.expires_at
"""


@cache
def page_statement(limit: int, *, is_unread: bool) -> str:
    """Return the statement that reads at most `limit` messages beyond a number of one inbox.

    Args:
        is_unread: unread ones alone, up to another number.
    """
    unread = "AND delivery.read_at IS NULL AND delivery.seq <= %(unread_up_to)s::bigint" if is_unread else ""
    return f"""
    {_EVENT}
    FROM hub_delivery delivery
    {_MESSAGE}
    WHERE delivery.recipient_id = %(session)s::uuid AND delivery.seq > %(after)s::bigint {unread} AND {_HELD}
    ORDER BY delivery.seq LIMIT {limit}
"""


# From each inbox apart: one index range each, however many there are.
READ_MANY = f"""
SELECT found.* FROM unnest(%(inboxes)s::uuid[], %(after)s::bigint[]) AS wanted (session_id, after)
CROSS JOIN LATERAL (
    {_EVENT}
    FROM hub_delivery delivery JOIN hub_message message ON message.id = delivery.message_id
    WHERE delivery.recipient_id = wanted.session_id AND delivery.seq > wanted.after AND {_HELD}
    ORDER BY delivery.seq LIMIT %(each)s::int
) AS found
ORDER BY found.recipient_id, found.seq
"""  # noqa: S608  put together from what stands here

# A message that was read meanwhile is left out, as by a poll.
MARK_SENT = """
WITH inbox AS MATERIALIZED (
    SELECT session_id FROM hub_inbox WHERE session_id = ANY(%(inboxes)s::uuid[])
    ORDER BY session_id FOR UPDATE
), marked AS (
    UPDATE hub_delivery SET read_at = statement_timestamp(),
           delivered_at = coalesce(hub_delivery.delivered_at, statement_timestamp())
    FROM unnest(%(sent_to)s::uuid[], %(seqs)s::bigint[]) AS sent (session_id, seq)
    JOIN inbox USING (session_id)
    WHERE hub_delivery.recipient_id = sent.session_id AND hub_delivery.seq = sent.seq
      AND hub_delivery.read_at IS NULL
    RETURNING hub_delivery.recipient_id
)
UPDATE hub_inbox SET unread = hub_inbox.unread - of_inbox.marked
FROM (SELECT recipient_id, count(*) AS marked FROM marked GROUP BY recipient_id) AS of_inbox
WHERE hub_inbox.session_id = of_inbox.recipient_id
"""
