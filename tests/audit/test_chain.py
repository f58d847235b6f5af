"""The chain of events: it grows without gaps, and whatever was done to it shows."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from realms.audit import rules
from realms.audit.actor import Actor, Kind
from realms.audit.rules import GENESIS, Head
from realms.ids import EVENT, new_id
from realms.models import AuditEvent, AuditHead, Realm
from tests.at_once import at_once
from tests.audit import tampering
from tests.audit.log import events_of
from tests.cases import cases
from tests.cast import OPERATOR, new_owner, new_realm

LENGTH = 5
FIRST, MIDDLE, LAST = 1, 3, LENGTH
BY = Actor(Kind.SESSION, "sess_01HX9J2N3PQRSTVWXYZ0123456", "req-1", "192.0.2.1")


def _append(realm: Realm, target: str = "x") -> None:
    with transaction.atomic():
        rules.append("grant.revoked", realm_id=realm.pk, by=BY, target=target, details={"n": [1, "ä", None]})


def _faults(realm: Realm, noted: Head | None = None) -> list[str]:
    return list(rules.verify(realm.pk, noted=noted))


@pytest.fixture
def chain(realm: Realm) -> Realm:
    """A realm with five events, the first of which is about its own making."""
    for i in range(2, LENGTH + 1):
        _append(realm, f"grant {i}")
    assert _faults(realm) == []
    return realm


def test_a_whole_chain_is_verified_in_silence(chain: Realm) -> None:
    events = events_of(chain)

    assert [event.number for event in events] == [1, 2, 3, 4, 5]
    assert bytes(events[0].previous) == GENESIS
    assert rules.head_of(chain.pk) == Head(LENGTH, rules.digest_of(events[-1]))


def test_a_realm_without_events_is_whole(db: None) -> None:
    realm = Realm.objects.create(owner=new_owner("alice"), slug="default")

    assert rules.head_of(realm.pk) == Head(0, GENESIS)
    assert _faults(realm) == _faults(realm, rules.head_of(realm.pk)) == []


def test_every_head_on_the_way_can_have_been_noted(realm: Realm) -> None:
    noted = [Head(0, GENESIS), rules.head_of(realm.pk)]
    for _ in range(3):
        _append(realm)
        noted.append(rules.head_of(realm.pk))

    assert [_faults(realm, head) for head in noted] == [[]] * 5


# For every column what it is changed to.
EDITS: dict[str, Callable[[AuditEvent], Any]] = {
    "id": lambda _: new_id(EVENT),
    "realm_id": lambda event: Realm.objects.create(owner=event.realm.owner, slug="empty").pk,
    "number": lambda event: event.number + 10,
    "at": lambda event: event.at + timedelta(microseconds=1),
    "actor_kind": lambda _: "user",
    "actor": lambda event: event.actor + "0",
    "action": lambda _: "grant.approved",
    "target": lambda event: event.target + " ",
    "request_id": lambda _: "req-2",
    "address": lambda _: "192.0.2.2",
    "details": lambda event: {**event.details, "more": 1},
    "previous": lambda _: b"\1" * 32,
}


every_column = cases("column", [field.attname for field in AuditEvent._meta.concrete_fields])


@every_column
def test_the_digest_is_of_every_column(chain: Realm, column: str) -> None:
    event = events_of(chain)[MIDDLE]
    before = rules.digest_of(event)

    setattr(event, column, EDITS[column](event))

    assert rules.digest_of(event) != before


@cases("number", [FIRST, MIDDLE, LAST])
@every_column
def test_an_edit_of_any_column_shows(chain: Realm, column: str, number: int) -> None:
    changed = EDITS[column](events_of(chain)[number - 1])

    tampering.edit(chain, number, **{column: changed})

    assert _faults(chain)


@pytest.mark.parametrize("number", [FIRST, MIDDLE, LAST])
def test_a_removal_shows(chain: Realm, number: int) -> None:
    tampering.remove(chain, number)

    assert _faults(chain)


@cases(("one", "other"), [(1, 2), (2, 4), (4, 5), (1, 5)])
def test_another_order_shows(chain: Realm, one: int, other: int) -> None:
    tampering.swap(chain, one, other)

    assert [event.number for event in events_of(chain)] == [1, 2, 3, 4, 5]
    assert _faults(chain)


@pytest.mark.parametrize("number", [FIRST, MIDDLE, LAST])
def test_an_insertion_shows(chain: Realm, number: int) -> None:
    tampering.insert(chain, number)

    assert [event.number for event in events_of(chain)] == [1, 2, 3, 4, 5, 6]
    assert _faults(chain)


def test_an_event_beyond_the_head_shows(chain: Realm) -> None:
    tampering.forge(chain, LENGTH + 1)

    assert _faults(chain) == ["event 6 stands beyond the head"]


@cases(
    "edit",
    [
        {"number": LENGTH - 1},
        {"number": LENGTH + 1},
        {"digest": b"\1" * 32},
        {"number": 0, "digest": GENESIS},
    ],
)
def test_an_edit_of_the_head_shows(chain: Realm, edit: dict[str, Any]) -> None:
    AuditHead.objects.filter(realm=chain).update(**edit)

    assert _faults(chain)


def test_a_head_that_is_gone_shows(chain: Realm) -> None:
    AuditHead.objects.filter(realm=chain).delete()

    assert _faults(chain)


@pytest.mark.parametrize("number", [FIRST, MIDDLE, LAST])
def test_a_chain_written_anew_shows_against_a_noted_head_alone(chain: Realm, number: int) -> None:
    noted = rules.head_of(chain.pk)
    before = Head(number - 1, bytes(events_of(chain)[number - 1].previous))

    tampering.rewrite(chain, number, actor="key_01HX9J2N3PQRSTVWXYZ0123456")

    assert _faults(chain) == []
    assert _faults(chain, before) == []
    [fault] = _faults(chain, noted)
    assert str(noted) in fault


@pytest.mark.parametrize("number", [FIRST, MIDDLE])
def test_a_gap_shows_in_a_chain_written_anew_too(chain: Realm, number: int) -> None:
    previous = bytes(events_of(chain)[number - 1].previous)
    tampering.remove(chain, number)

    tampering.rewrite(chain, number + 1, previous=previous)

    assert _faults(chain) == [f"between event {number - 1} and event {number + 1} some are missing"]


def test_a_chain_that_was_given_to_another_realm_shows(chain: Realm) -> None:
    other = Realm.objects.create(owner=chain.owner, slug="other")

    tampering.give(chain, other)

    assert len(events_of(other)) == LENGTH
    assert _faults(other)


@pytest.mark.parametrize("last", [FIRST, MIDDLE, LAST - 1])
def test_an_end_that_was_cut_off_shows_against_a_noted_head_alone(chain: Realm, last: int) -> None:
    noted = rules.head_of(chain.pk)

    tampering.cut_off(chain, last)

    assert _faults(chain) == []
    [fault] = _faults(chain, noted)
    assert "was cut off or written anew" in fault


def test_a_chain_that_is_gone_shows_against_a_noted_head_alone(chain: Realm) -> None:
    noted = rules.head_of(chain.pk)
    for number in range(1, LENGTH + 1):
        tampering.remove(chain, number)
    AuditHead.objects.filter(realm=chain).delete()

    assert _faults(chain) == []
    assert len(_faults(chain, noted)) == 1


def test_each_realm_has_a_chain_of_its_own(chain: Realm) -> None:
    other = new_realm("mallory")
    for _ in range(LENGTH):
        _append(other)
        _append(chain)
    assert [event.number for event in events_of(other)] == list(range(1, LENGTH + 2))
    noted = rules.head_of(other.pk)

    tampering.edit(other, MIDDLE, target="y")

    assert _faults(other)
    assert _faults(chain) == []
    assert _faults(chain, noted), "a head of another realm is none of this chain"


def _append_and_turn_back(realm: Realm) -> None:
    with transaction.atomic():
        rules.append("grant.revoked", realm_id=realm.pk, by=BY, target="never")
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gaps_when_events_come_at_once(realm: Realm) -> None:
    calls = [partial(_append, realm, str(i)) for i in range(6)]

    at_once(*calls, *[partial(_append_and_turn_back, realm)] * 2)

    events = events_of(realm)
    assert [event.number for event in events] == [1, 2, 3, 4, 5, 6, 7]
    assert {event.target for event in events[1:]} == set("012345")
    assert _faults(realm) == []


@pytest.mark.django_db(transaction=True)
def test_of_first_events_at_once_one_is_the_first() -> None:
    realm = Realm.objects.create(owner=new_owner("alice"), slug="default")

    at_once(*[partial(_append, realm)] * 4)

    assert [event.number for event in events_of(realm)] == [1, 2, 3, 4]
    assert _faults(realm) == []


def test_a_long_target_is_cut_and_the_chain_is_whole(realm: Realm) -> None:
    with transaction.atomic():
        rules.append("memory.deleted", realm_id=realm.pk, by=OPERATOR, target="x" * 300)

    assert len(events_of(realm)[-1].target) == 255
    assert _faults(realm) == []
