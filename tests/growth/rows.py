"""Rows by the million, made inside PostgreSQL as the hub would have left them."""

import psycopg

# Time-ordered ids as the hub makes them: 48 bits of milliseconds, then 80 of chance (ULID).
_ROWS = """
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || substr(md5(n::text), 1, 12)
        || lpad(to_hex(n), 8, '0'))::uuid AS id,
       at, who.id AS recipient, who.realm_id AS realm, other.id AS sender,
       (SELECT seq FROM hub_inbox WHERE session_id = who.id)
       + row_number() OVER (PARTITION BY who.id ORDER BY n) AS seq
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
CROSS JOIN LATERAL (
    SELECT clock_timestamp() - %(oldest)s::interval
           + (%(oldest)s::interval - %(newest)s::interval) * ((n - %(first)s)::float8 / %(count)s) AS at
) AS time
JOIN people AS who ON who.number = n %% (SELECT count(*) FROM people)
JOIN people AS other ON other.number = (n * 7 + 3) %% (SELECT count(*) FROM people)
"""
_MESSAGES = """
INSERT INTO hub_message (id, realm_id, sender_id, recipients, category, payload, envelope, reply_to,
                         capability, sent_at, expires_at)
SELECT id, realm, sender, jsonb_build_array('sess_' || recipient), 'message', %(payload)s, '', NULL, '', at,
       CASE WHEN %(expired)s THEN at + interval '1 second' END
FROM made
"""
_DELIVERIES = """
INSERT INTO hub_delivery (recipient_id, seq, message_id, delivered_at, read_at)
SELECT recipient, seq, id, CASE WHEN %(read)s THEN at END,
       CASE WHEN %(read)s THEN at + interval '1 second' END
FROM made
"""
_INBOXES = """
UPDATE hub_inbox SET seq = counted.newest,
                     unread = unread + CASE WHEN %(read)s THEN 0 ELSE counted.number END
FROM (SELECT recipient, max(seq) AS newest, count(*) AS number FROM made GROUP BY recipient) AS counted
WHERE hub_inbox.session_id = counted.recipient
"""
PAYLOAD = '{"text":"' + "x" * 100 + '"}'
ROWS_PER_TRANSACTION = 500_000


def add(
    url: str,
    count: int,
    *,
    oldest: str,
    newest: str,
    read: bool = True,
    expired: bool = False,
    sessions: int | None = None,
) -> None:
    """Add `count` messages, each to one session in turn, sent between two intervals ago.

    Args:
        read: each was read a second after it was sent.
        expired: each expired a second after it was sent.
        sessions: how many have a part in it, the first ones; None for all.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        # Foreign keys are right by the way the rows are made; to check 20 million takes a quarter of an hour.
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "CREATE TEMPORARY TABLE people AS SELECT id, realm_id, row_number() OVER (ORDER BY id) - 1 AS "
            "number FROM hub_session WHERE status <> 'deregistered' ORDER BY id LIMIT %s",
            [sessions],
        )
        connection.execute("ANALYZE people")
        done = 0
        while done < count:
            part = min(ROWS_PER_TRANSACTION, count - done)
            parameters = {
                "first": done + 1,
                "last": done + part,
                "count": count,
                "oldest": oldest,
                "newest": newest,
                "read": read,
                "expired": expired,
                "payload": PAYLOAD,
            }
            with connection.transaction():
                for statement in (_ROWS, _MESSAGES, _DELIVERIES, _INBOXES):
                    connection.execute(statement, parameters)
            done += part


def read_all(url: str) -> None:
    """Have all messages read."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1 FROM hub_inbox ORDER BY session_id FOR UPDATE")  # as the hub: first
        connection.execute("UPDATE hub_delivery SET read_at = clock_timestamp() WHERE read_at IS NULL")
        connection.execute("UPDATE hub_inbox SET unread = 0 WHERE unread > 0")


def settle(url: str) -> None:
    """Leave the tables as autovacuum would."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def count_of(url: str, condition: str) -> int:
    """Return how many messages a condition holds of."""
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM hub_message WHERE {condition}").fetchone()
        assert row is not None
        return int(row[0])
