"""A realm may have the old end of its audit log cut off; what is left still verifies."""

from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from hub.tasks import cut_audit_logs as task
from realms.audit import rules
from realms.audit.actor import Actor
from realms.audit.retention import cut_audit_logs
from realms.audit.rules import GENESIS, Head
from realms.models import AuditEvent, AuditHead, Realm
from tests.audit.log import events_of
from tests.audit.tampering import TABLE, edit, unguarded

DAYS = 30


@pytest.fixture
def heads(realm: Realm) -> list[Head]:
    """A chain of six events, five of them too old for the realm: its head after each."""
    Realm.objects.filter(pk=realm.pk).update(audit_retention_days=DAYS)
    with unguarded():
        AuditEvent.objects.all()._raw_delete("default")
    AuditHead.objects.filter(realm=realm).update(number=0, digest=GENESIS)
    heads = []
    for days_ago in (40, 39, 38, 37, 31, 29):
        with time_machine.travel(timezone.now() - timedelta(days=days_ago)), transaction.atomic():
            rules.append("key.enabled", realm_id=realm.pk, by=Actor.command("test"), target=f"{days_ago}")
        heads.append(rules.head_of(realm.pk))
    return heads


def faults(realm: Realm, noted: Head | None = None) -> list[str]:
    return list(rules.verify(realm.pk, noted=noted))


def test_what_is_older_than_the_realm_keeps_it_goes(realm: Realm, heads: list[Head]) -> None:
    assert cut_audit_logs() == 5

    assert [(event.number, event.target) for event in events_of(realm)] == [(6, "29")]


def test_without_the_setting_nothing_is_ever_cut(realm: Realm, heads: list[Head]) -> None:
    Realm.objects.update(audit_retention_days=None)

    assert task() == {"events": 0}

    assert len(events_of(realm)) == 6


def test_the_rest_verifies_and_so_does_every_head_that_it_leads_through(
    realm: Realm, heads: list[Head]
) -> None:
    cut_audit_logs()

    assert faults(realm) == []
    assert [faults(realm, noted) for noted in heads[4:]] == [[], []]


def test_a_head_from_before_the_cut_cannot_be_looked_for_and_that_is_said(
    realm: Realm, heads: list[Head]
) -> None:
    cut_audit_logs()

    [fault] = faults(realm, heads[2])
    assert "before event 6" in fault
    assert "only a newer head" in fault


def test_a_cut_that_nobody_noted_is_still_a_fault(realm: Realm, heads: list[Head]) -> None:
    with unguarded():
        AuditEvent.objects.filter(number__lte=5)._raw_delete("default")

    assert any("some are missing" in fault for fault in faults(realm))


def test_the_log_goes_on_after_all_of_it_was_cut(realm: Realm, heads: list[Head]) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=90)):
        assert task() == {"events": 6}
    assert (events_of(realm), faults(realm)) == ([], [])

    with transaction.atomic():
        rules.append("key.enabled", realm_id=realm.pk, by=Actor.command("test"), target="next")

    assert [event.number for event in events_of(realm)] == [7]
    assert faults(realm, heads[5]) == []


def test_an_edit_of_the_last_event_that_was_cut_shows(realm: Realm, heads: list[Head]) -> None:
    edit(realm, 5, target="another")

    cut_audit_logs()

    assert "event 6 does not follow" in faults(realm)[0]


def test_a_walk_that_began_before_the_cut_goes_on_behind_it(realm: Realm, heads: list[Head]) -> None:
    walk, _ = rules.walk_on(realm.pk, rules.begin_walk(realm.pk), events=2)
    cut_audit_logs()

    walk, found = rules.walk_on(realm.pk, walk)

    assert (walk.is_over, found) == (True, [])


def test_a_limited_cut_leaves_the_rest_for_the_next(realm: Realm, heads: list[Head]) -> None:
    assert [cut_audit_logs(limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert faults(realm) == []


def test_an_event_behind_one_that_is_kept_is_kept_too(realm: Realm, heads: list[Head]) -> None:
    """Clocks differ: what is cut is always the beginning of the chain."""
    with time_machine.travel(timezone.now() - timedelta(days=35)), transaction.atomic():
        rules.append("key.enabled", realm_id=realm.pk, by=Actor.command("test"), target="late")

    assert cut_audit_logs() == 5

    assert [event.number for event in events_of(realm)] == [6, 7]


@pytest.mark.postgres
def test_the_database_lets_nothing_be_deleted_after_a_cut(realm: Realm, heads: list[Head]) -> None:
    cut_audit_logs()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(f"DELETE FROM {TABLE}")


@pytest.mark.postgres
def test_not_even_a_cut_may_change_an_event(realm: Realm, heads: list[Head]) -> None:
    AuditHead.objects.update(cut_number=F("number"))

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(f"UPDATE {TABLE} SET action = 'x'")
