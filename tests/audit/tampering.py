"""What somebody with access to the database does to the audit log, past the hub and the trigger."""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import connection, models

from realms.audit.rules import Head, digest_of
from realms.models import AuditEvent, AuditHead, Realm

TABLE = AuditEvent._meta.db_table
TRIGGERS = ("realms_auditevent_is_append_only", "realms_auditevent_is_cut_up_to_its_head")


@contextlib.contextmanager
def unguarded() -> Iterator[None]:
    """Switch off PostgreSQL's triggers, as a table's owner can."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        # A table with foreign keys that wait to be checked cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for trigger in TRIGGERS:
            cursor.execute(f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER {trigger}")


def rows(realm: Realm) -> models.QuerySet[AuditEvent]:
    """Return a realm's events without the refusals of their own queryset."""
    return models.QuerySet(AuditEvent).filter(realm=realm).order_by("number")


def edit(realm: Realm, number: int, /, **columns: Any) -> None:
    """Write other values into an event's columns."""
    with unguarded():
        assert rows(realm).filter(number=number).update(**columns) == 1


def remove(realm: Realm, number: int) -> None:
    """Remove an event."""
    with unguarded():
        # Not with Django's own delete, which goes through the model.
        rows(realm).filter(number=number)._raw_delete("default")


def swap(realm: Realm, one: int, other: int) -> None:
    """Give each of two events the other's number."""
    with unguarded():
        for old, new in ((one, 0), (other, one), (0, other)):
            assert rows(realm).filter(number=old).update(number=new) == 1


def insert(realm: Realm, number: int) -> None:
    """Put a forged event at `number`, and number those behind it and the head anew."""
    with unguarded():
        for event in rows(realm).filter(number__gte=number).reverse():
            rows(realm).filter(number=event.number).update(number=event.number + 1)
    forge(realm, number)
    AuditHead.objects.filter(realm=realm).update(number=models.F("number") + 1)


def forge(realm: Realm, number: int) -> None:
    """Add an event that says what another says and follows the one before it."""
    like = rows(realm)[0]
    before = rows(realm).filter(number__lt=number).last()
    forged = {
        field.attname: getattr(like, field.attname)
        for field in AuditEvent._meta.concrete_fields
        if not field.primary_key
    }
    AuditEvent(**{**forged, "number": number, "previous": digest_of(before) if before else bytes(32)}).save()


def rewrite(realm: Realm, number: int, /, **columns: Any) -> None:
    """Edit an event, and compute the chain from there on anew, with a head that matches."""
    edit(realm, number, **columns)
    with unguarded():
        digest = digest_of(rows(realm).get(number=number))
        for event in rows(realm).filter(number__gt=number):
            rows(realm).filter(number=event.number).update(previous=digest)
            event.previous = digest
            digest = digest_of(event)
    AuditHead.objects.filter(realm=realm).update(digest=digest)


def give(realm: Realm, other: Realm) -> None:
    """Make a whole chain, with its head, that of another realm."""
    with unguarded():
        rows(realm).update(realm=other)
    AuditHead.objects.filter(realm=realm).update(realm=other)


def cut_off(realm: Realm, last: int) -> None:
    """Remove the events behind `last` and lower the head."""
    with unguarded():
        rows(realm).filter(number__gt=last)._raw_delete("default")
    end = Head(last, digest_of(rows(realm).get(number=last)))
    AuditHead.objects.filter(realm=realm).update(number=end.number, digest=end.digest)
