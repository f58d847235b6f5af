"""Nobody changes or deletes an event: not through the models, and on PostgreSQL not at all."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError

from realms.audit.models import AppendOnly
from realms.models import AuditEvent, Realm
from tests.audit.log import events_of
from tests.audit.tampering import TABLE, rows
from tests.cases import cases


def _changed(event: AuditEvent) -> AuditEvent:
    event.action = "grant.approved"
    return event


REFUSED: dict[str, Callable[[AuditEvent], Any]] = {
    "save": lambda event: _changed(event).save(),
    "save of a column": lambda event: _changed(event).save(update_fields=["action"]),
    "delete": lambda event: event.delete(),
    "update": lambda event: AuditEvent.objects.filter(pk=event.pk).update(action="x"),
    "update of a realm's": lambda event: event.realm.audit_events.update(action="x"),
    "bulk_update": lambda event: AuditEvent.objects.bulk_update([_changed(event)], ["action"]),
    "update_or_create": lambda event: AuditEvent.objects.update_or_create(
        {"action": "x"}, realm=event.realm, number=event.number
    ),
    "delete of many": lambda _: AuditEvent.objects.all().delete(),
    "delete of a realm's": lambda event: AuditEvent.objects.in_realm(event.realm_id).delete(),
}


@cases("change", REFUSED.values(), ids=REFUSED.keys())
def test_the_model_refuses(realm: Realm, change: Callable[[AuditEvent], Any]) -> None:
    before = list(AuditEvent.objects.values())

    with pytest.raises(AppendOnly, match="append-only"), transaction.atomic():
        change(events_of(realm)[0])

    assert list(AuditEvent.objects.values()) == before


def test_an_event_is_not_written_over_by_a_new_one_of_its_id(realm: Realm) -> None:
    [event] = events_of(realm)
    again = AuditEvent(pk=event.pk, realm=realm, number=2, at=event.at, action="x", previous=b"")

    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()

    assert events_of(realm)[0].action == "realm.created"


@pytest.mark.postgres
@cases(
    "statement",
    [
        f"UPDATE {TABLE} SET action = 'grant.approved'",
        f"UPDATE {TABLE} SET action = action WHERE false",
        f"DELETE FROM {TABLE}",
        f"TRUNCATE {TABLE}",
        "TRUNCATE realms_realm CASCADE",
        f"SET LOCAL aisp_hub.cuts_audit_log = 'on'; DELETE FROM {TABLE}",
        f"SET LOCAL session_replication_role = replica; DELETE FROM {TABLE}",
        "CREATE TEMPORARY TABLE realms_audithead ON COMMIT DROP AS SELECT realm_id, 99 AS cut_number "
        f"FROM public.realms_audithead; DELETE FROM {TABLE}",
        f"INSERT INTO {TABLE} SELECT * FROM {TABLE} ON CONFLICT (id) DO UPDATE SET action = 'x'",
    ],
)
def test_postgresql_refuses_raw_sql(realm: Realm, statement: str) -> None:
    before = list(AuditEvent.objects.values())

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else that is what TRUNCATE is refused for
        cursor.execute(statement)

    assert list(AuditEvent.objects.values()) == before


@pytest.mark.postgres
def test_postgresql_refuses_what_goes_past_the_model(realm: Realm) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows(realm).update(action="x")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows(realm)._raw_delete("default")

    assert rows(realm).get().action == "realm.created"


def test_a_realm_with_events_is_not_deleted(realm: Realm) -> None:
    for delete in (realm.delete, Realm.objects.filter(pk=realm.pk).delete, realm.owner.delete):
        with pytest.raises(ProtectedError):
            delete()

    assert Realm.objects.get() == realm
    empty = Realm.objects.create(owner=realm.owner, slug="empty")
    assert empty.delete()[0] == 1


def test_a_realm_with_events_is_not_deleted_by_sql_either(realm: Realm) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        assert Realm.objects.filter(pk=realm.pk)._raw_delete("default") == 1
        connection.check_constraints()

    assert Realm.objects.count() == 1
