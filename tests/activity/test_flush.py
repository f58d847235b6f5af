"""Writing down: numbers add up in the minute and the hour, whoever writes and whatever fails."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import OperationalError

from hub.activity import rules
from hub.activity.models import Tally
from hub.activity.rules import flush, note
from realms.ids import REALM, new_id
from realms.models import Realm
from tests.activity.tallies import tallies
from tests.at_once import at_once
from tests.cast import new_realm

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def rows(realm: Realm) -> list[tuple[str, datetime, int]]:
    kept = Tally.objects.in_realm(realm.pk).order_by("grain", "begins_at")
    return list(kept.values_list("grain", "begins_at", "count"))


def test_minutes_and_their_hours_add_up(realm: Realm) -> None:
    for minutes, number in ((0, 2), (59, 3), (60, 5)):
        with time_machine.travel(NOON + timedelta(minutes=minutes, seconds=7)):
            note(realm.pk, "messages", number)
            flush()
            note(realm.pk, "messages")
    flush()

    assert rows(realm) == [
        ("hour", NOON, 7),
        ("hour", NOON + timedelta(hours=1), 6),
        ("minute", NOON, 3),
        ("minute", NOON + timedelta(minutes=59), 4),
        ("minute", NOON + timedelta(minutes=60), 6),
    ]


def test_nothing_is_written_where_nothing_was_counted(realm: Realm) -> None:
    flush()

    assert rows(realm) == []


def test_a_realm_that_is_gone_keeps_nobody_elses_numbers(realm: Realm) -> None:
    note(new_id(REALM), "messages")
    note(realm.pk, "messages")

    assert tallies(realm) == {"messages": 1}


def test_what_could_not_be_written_is_kept(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError

    note(realm.pk, "messages", 2)
    with monkeypatch.context() as patched:
        patched.setattr(rules, "_add", away)
        with pytest.raises(OperationalError):
            flush()
        note(realm.pk, "messages")

    assert tallies(realm) == tallies(realm, "hour") == {"messages": 3}


def test_what_waits_is_bounded(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "NUMBERS", 2)
    for measure in ("a", "b", "c", "a"):
        note(realm.pk, measure)

    assert tallies(realm) == {"a": 2, "b": 1}


def test_many_numbers_are_written_in_parts(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "NUMBERS_PER_WRITE", 2)
    for measure in "abcde":
        note(realm.pk, measure)

    assert tallies(realm) == dict.fromkeys("abcde", 1)


@pytest.mark.django_db(transaction=True)
def test_processes_that_write_at_once_lose_nothing(transactional_db: None) -> None:
    realm = new_realm("alice")
    minute = int(NOON.timestamp()) // 60

    def write() -> None:
        for _ in range(5):
            rules._add({(minute, realm.pk, f"m{number}"): 1 for number in range(8)})

    at_once(*([write] * 4))

    assert tallies(realm) == {f"m{number}": 20 for number in range(8)}
