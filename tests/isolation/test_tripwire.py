"""The tripwire goes off where a statement does not say its realm, and nowhere else."""

import pytest
from django.db import connection

from realms.ids import REALM, new_id, uuid_of
from tests.isolation.snapshot import changes_in, snapshot, tables
from tests.isolation.tripwire import WITHOUT_REALM, Tripwire
from tests.isolation.worlds import World

REALM_ID, OTHER_ID = new_id(REALM), new_id(REALM)

SAYS_IT = [
    'SELECT * FROM "hub_session" WHERE ("hub_session"."realm_id" = %s AND NOT ("hub_session"."status" = %s))',
    'UPDATE "hub_inbox" SET "seq" = ("hub_inbox"."seq" + 1) WHERE "hub_inbox"."realm_id" = %s',
    'DELETE FROM "hub_memoryentry" WHERE ("hub_memoryentry"."realm_id" = %s)',
    'SELECT * FROM "hub_memoryentry" INNER JOIN "hub_memorynamespace" ON '
    '("hub_memoryentry"."namespace_id" = "hub_memorynamespace"."id") WHERE "hub_memoryentry"."realm_id" = %s',
    'UPDATE "hub_memorynamespace" SET "owner_id" = 1 WHERE "hub_memorynamespace"."id" IN '
    '(SELECT U0."id" FROM "hub_memorynamespace" U0 WHERE U0."realm_id" = %s)',
    'SELECT * FROM "realms_realm" WHERE "realms_realm"."id" = %s',
    'SELECT * FROM "hub_delivery" WHERE "hub_delivery"."recipient_id" = %s',
    "WITH a AS (SELECT id FROM hub_session WHERE realm_id = %s) SELECT * FROM a",
    'SELECT (SELECT COUNT(*) FROM "hub_session" U0 WHERE U0."realm_id" = ("realms_realm"."id")) '
    'FROM "realms_realm" WHERE "realms_realm"."id" = %s',
]
SAYS_NONE = [
    'SELECT * FROM "hub_session" WHERE "hub_session"."id" = %s',
    'UPDATE "hub_session" SET "realm_id" = %s',
    'UPDATE "hub_inbox" SET "realm_id" = %s WHERE "hub_inbox"."session_id" = 1',
    'SELECT * FROM "hub_delivery" INNER JOIN "hub_message" ON '
    '("hub_delivery"."message_id" = "hub_message"."id") WHERE "hub_delivery"."recipient_id" = %s',
    'SELECT * FROM "hub_grant" WHERE "hub_grant"."realm_id" = %s '
    'AND EXISTS (SELECT 1 FROM "hub_session" WHERE "hub_session"."status" = 1)',
    "WITH a AS (SELECT id FROM hub_session WHERE realm_id = %s), b AS (SELECT id FROM hub_session) SELECT 1",
    "WITH a AS (SELECT id FROM hub_inbox WHERE realm_id = %s) "
    "UPDATE hub_inbox SET seq = 1 FROM a WHERE hub_inbox.session_id = a.id",
    'SELECT * FROM "hub_memorynamespace" INNER JOIN "hub_session" ON '
    '("hub_memorynamespace"."owner_id" = "hub_session"."id") WHERE "hub_session"."key_id" = %s',
    'SELECT * FROM "hub_session" WHERE "hub_session"."realm_id" = %s AND EXISTS '
    '(SELECT 1 FROM "hub_delivery" U0 WHERE U0."recipient_id" = ("hub_session"."id")) AND EXISTS '
    '(SELECT 1 FROM "hub_inbox" U0 WHERE U0."unread" = 1)',
    'SELECT * FROM "realms_membership" INNER JOIN "accounts_user" ON ("realms_membership"."user_id" = '
    '"accounts_user"."id") INNER JOIN "realms_membership" T3 ON ("accounts_user"."id" = T3."user_id") '
    'WHERE "realms_membership"."realm_id" = %s',
]


def faults(sql: str, parameter: str, realm_id: str | None = REALM_ID) -> list[str]:
    tripwire = Tripwire(realm_id=realm_id)
    tripwire.look(sql, [uuid_of(parameter), "more"])
    return tripwire.faults


@pytest.mark.parametrize("sql", SAYS_IT)
def test_a_statement_that_says_its_realm_passes(sql: str) -> None:
    assert not faults(sql, REALM_ID)


@pytest.mark.parametrize("sql", [sql for sql in SAYS_IT if "hub_delivery" not in sql])
def test_another_realm_does_not(sql: str) -> None:
    assert faults(sql, OTHER_ID)
    assert faults(sql, REALM_ID, realm_id=None)


@pytest.mark.parametrize("sql", SAYS_NONE)
def test_a_statement_that_says_none_does_not(sql: str) -> None:
    assert faults(sql, REALM_ID)


def test_every_table_has_a_realm_or_a_reason() -> None:
    of_a_realm = set(Tripwire().realm_columns)

    assert of_a_realm | set(WITHOUT_REALM) >= set(tables())
    assert not of_a_realm & set(WITHOUT_REALM)


def test_a_request_that_writes_is_said_to_write_every_table_that_it_changed(world: World) -> None:
    tripwire, before, agent = Tripwire(realm_id=world.alice.realm.pk), snapshot(), world.alice.agent

    with connection.execute_wrapper(tripwire):
        agent.send(agent)
        agent.call("POST", "memory", {"entries": [{"key": "new.entry", "value": 1}]})

    after = snapshot()
    changed = {table for table, rows in after.items() if rows != before[table]}
    assert {"hub_message", "hub_delivery", "hub_memoryentry", "hub_memorynamespace"} <= changed
    assert changed <= tripwire.written
    assert changes_in(world.alice, before, after)
    assert not changes_in(world.mallory, before, after)


def test_a_request_that_reads_is_said_to_write_nothing_of_anybody(world: World) -> None:
    tripwire = Tripwire(realm_id=world.alice.realm.pk)

    with connection.execute_wrapper(tripwire):
        world.alice.agent.call("GET", "grants")

    assert not tripwire.written & {"hub_message", "hub_delivery", "hub_grant", "hub_memoryentry"}
