"""Removing what deleted realms held."""

from collections.abc import Callable

import pytest
from django.apps import apps

from hub import realm_purge
from hub.memory.models import MemoryUsage
from hub.messages.models import Delivery, Message
from hub.realm_purge import purge_deleted_realms
from hub.tasks import purge_deleted_realms as task
from realms.audit import rules as audit
from realms.models import ApiKey, Realm
from realms.owners import delete_realm
from tests.at_once import at_once
from tests.members.people import acting
from tests.rows import set_realm
from tests.whole_realm.full import KEPT, full_realm, held, models_of_realms, names_of


@pytest.fixture
def alices(db: None) -> Realm:
    """Alice's realm, full."""
    return full_realm("alice")[0]


def deleted(realm: Realm) -> Realm:
    """Delete a realm."""
    delete_realm(realm=realm, by=acting(realm.owner))
    return realm


def test_the_realm_of_the_tests_has_something_of_everything(alices: Realm) -> None:
    """Or the tests below would not notice what is left."""
    of_realms = models_of_realms()

    assert set(held(alices)) == names_of(of_realms)
    others = {model for room in ("realms", "hub") for model in apps.get_app_config(room).get_models()}
    assert names_of(others.difference(of_realms)) == {"SigningKey", "LiveProcess"}


def test_nothing_is_left_but_the_row_and_its_log(alices: Realm) -> None:
    other = full_realm("mallory")[0]
    before = held(other)
    deleted(alices)
    log = held(alices)["AuditEvent"]

    task()

    assert held(alices) == {"Realm": 1, "AuditEvent": log, "AuditHead": 1}
    assert set(held(alices)) == names_of(KEPT)
    assert held(other) == before
    assert [*audit.verify(alices.pk)] == []


@pytest.mark.parametrize("status", [Realm.Status.ACTIVE, Realm.Status.SUSPENDED])
def test_what_is_not_deleted_loses_nothing(alices: Realm, status: Realm.Status) -> None:
    set_realm(alices, status=status)
    before = held(alices)

    assert purge_deleted_realms() == 0

    assert held(alices) == before


def test_it_is_done_once(alices: Realm) -> None:
    deleted(alices)

    assert purge_deleted_realms() > 0
    assert purge_deleted_realms() == 0


def test_it_goes_on_where_it_was_left(alices: Realm) -> None:
    """Each time for one step of two rows."""
    deleted(alices)
    runs = 0
    while purge_deleted_realms(rows=2, seconds=0):
        runs += 1

    assert runs > 10
    assert set(held(alices)) == names_of(KEPT)


def test_a_step_takes_no_more_than_it_may(alices: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would cascade is gone before."""
    deleted(alices)
    before = sum(held(alices).values())
    counted = 0
    while removed := purge_deleted_realms(rows=3, seconds=0):
        assert removed <= 3
        counted += removed
        now = sum(held(alices).values())
        assert before - now == removed
        before = now

    assert counted > 20


def test_what_came_late_goes_the_next_time(alices: Realm) -> None:
    """A request that was let in within the second wrote after the realm was deleted, or even removed."""
    deleted(alices)
    purge_deleted_realms()
    MemoryUsage.objects.create(realm=alices)
    ApiKey.objects.create(realm=alices, name="late", scopes=["read"])

    purge_deleted_realms()

    assert set(held(alices)) == names_of(KEPT)


@pytest.mark.django_db(transaction=True)
def test_two_may_run_at_once(transactional_db: None) -> None:
    alices = deleted(full_realm("alice")[0])
    mallorys = full_realm("mallory")[0]
    before = held(mallorys)

    at_once(*[lambda: purge_deleted_realms(rows=1, seconds=30)] * 2)

    assert set(held(alices)) == names_of(KEPT)
    assert held(mallorys) == before


@pytest.mark.parametrize("broken", range(len(realm_purge.STEPS)))
def test_it_may_end_at_any_step(alices: Realm, monkeypatch: pytest.MonkeyPatch, broken: int) -> None:
    deleted(alices)
    steps: list[Callable[[str, int], int]] = list(realm_purge.STEPS)

    def die(realm_id: str, rows: int) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(realm_purge, "STEPS", (*steps[:broken], die))
    with pytest.raises(KeyboardInterrupt):
        purge_deleted_realms()
    monkeypatch.setattr(realm_purge, "STEPS", tuple(steps))

    purge_deleted_realms()

    assert set(held(alices)) == names_of(KEPT)
    assert not Message.objects.exists()
    assert not Delivery.objects.exists()
