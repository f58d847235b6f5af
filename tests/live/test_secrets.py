"""Where secrets never are: a key, a token and a payload are looked for wherever the hub leaves something.

A payload and a value stand in their own column and in what their reader gets, and nowhere else.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.db import connection
from redis import Redis

from realms.key_format import new_plaintext
from realms.models import AuditEvent, Realm
from tests.cast import new_agent, new_key
from tests.live.client import WireAgent
from tests.live.processes import server_process
from tests.live.test_two_processes import database_url

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

CANARY = "canary-9d2f71"
REFUSE_EVENTS = "ALTER TABLE hub_message ADD CONSTRAINT no_events CHECK (category <> 'event')"
FORBID = {"payload": {"text": CANARY, "lines": f"a\nb {CANARY}"}}


@pytest.fixture
def broken_table(transactional_db: None) -> Iterator[None]:
    """A table that refuses some messages, so that the database's own error quotes their rows."""
    with connection.cursor() as cursor:
        cursor.execute(REFUSE_EVENTS)
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE hub_message DROP CONSTRAINT no_events")


def rows_of_all_tables() -> Iterator[tuple[str, str]]:
    """Yield table and text of every row, columns by name, as a dump has them."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')
            for (row,) in cursor.fetchall():
                yield table, row


def all_that_redis_holds(url: str) -> bytes:
    """Return the names and the contents of everything on Redis."""
    redis = Redis.from_url(url)
    names = list(redis.scan_iter("*"))
    return b"\n".join([*names, *(redis.dump(name) or b"" for name in names)])


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_key_a_token_and_a_payload_are_nowhere_else(
    realm: Realm, broken_table: None, tmp_path: Path, log_format: str
) -> None:
    key = new_key(realm, writes_per_minute=40)[1]
    unknown = new_plaintext()
    agent = new_agent(key, "alice")
    log, redis_url = tmp_path / "log", os.environ["TEST_REDIS_URL"]
    quiet: list[httpx.Response] = []  # answers that hold no secret
    variables = {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": log_format}

    with (
        server_process(database_url(), redis_url, log=log, **variables) as base,
        WireAgent(base, agent) as me,
    ):
        token = me.post(f"/sessions/{me.id}/token", **{"Idempotency-Key": "token-1"}).json()["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        envelope = {"aisp": "0.1", "from": me.id, "to": me.id, "category": "message", **FORBID}
        http = httpx.Client(base_url=base, timeout=20)

        quiet.append(me.post("/messages", envelope, **{"Idempotency-Key": "send-1"}))
        quiet.append(http.post("/api/v1/messages", json=envelope, headers=bearer))
        quiet.append(me.post("/memory", {"entries": [{"key": "a.b", "value": CANARY}]}))
        assert [answer.status_code for answer in quiet] == [200] * 3
        with me.stream() as stream:
            assert stream.next().data["payload"]["text"] == CANARY
        # What fails in every layer, with the secrets in the request.
        faults = [
            me.post("/messages", {**envelope, "category": "event"}),
            me.post("/messages", {**envelope, "category": CANARY[:5]}),
            me.post("/messages", {**envelope, "to": []}),
            http.post("/api/v1/messages", content=f'{{"payload": "{CANARY}", ', headers=me.headers()),
            http.get("/api/v1/sessions", headers={"X-AISP-Key": unknown}),
            http.get("/api/v1/sessions", headers={"X-AISP-Key": key[:-1]}),
            http.get("/api/v1/sessions", headers={"X-AISP-Key": key, **bearer}),
            http.get("/api/v1/sessions", headers={"Authorization": f"Bearer {token[:-4]}AAAA"}),
            http.get("/api/v1/nothing", headers=me.headers()),
            http.get("/nothing", headers=me.headers()),
            http.get("/admin/", headers={**me.headers(), **bearer}),
            *(me.post("/messages", {**envelope, "aisp": "9"}) for _ in range(40)),
        ]
        statuses = {answer.status_code for answer in faults}
        assert {500, 400, 401, 404, 429, 302} <= statuses
        quiet += faults
        redis_holds = all_that_redis_holds(redis_url)

    secrets = {"the key": key[5:37], "an unknown key": unknown[5:37], "a token": token.rsplit(".", 1)[1]}
    places = {
        "the log": log.read_text(),
        "Redis": redis_holds.decode("latin-1"),
        "answers": "\n".join(f"{answer.headers!r} {answer.text}" for answer in quiet),
        "the audit log": "\n".join(str(event) for event in AuditEvent.objects.values()),
        "the database": "\n".join(row for _, row in rows_of_all_tables()),
    }
    for place, text in places.items():
        assert text, place
        for what, secret in secrets.items():
            assert secret not in text, f"{what} is in {place}"
        if place != "the database":
            assert CANARY not in text, f"the payload is in {place}"
    assert "no_events" in places["the log"], "the database's own error is there, without its row"
    holds_canary = {table for table, row in rows_of_all_tables() if CANARY in row}
    assert holds_canary == {"hub_message", "hub_memoryentry"}
    for table, column in (("hub_message", "payload"), ("hub_memoryentry", "value")):
        for name, row in rows_of_all_tables():
            if name == table:
                assert CANARY not in re.sub(rf'"{column}":"(?:[^"\\]|\\.)*"', "", row)
