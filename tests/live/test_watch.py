"""The watch's look: what is counted in a realm shows as traffic there, and nowhere else."""

from datetime import timedelta

import time_machine
from django.utils import timezone

from hub.activity.rules import flush, note
from hub.live.watch import TRAFFIC, Look, look_at
from realms.models import Realm
from tests.cast import new_realm
from tests.live.client import WireAgent


def test_what_is_counted_is_traffic_of_its_realm(db: None) -> None:
    realm, other = new_realm("alice"), new_realm("mallory")
    before = look_at([realm.pk, other.pk])

    note(realm.pk, "refused.inbox_full")
    flush()

    after = look_at([realm.pk, other.pk])
    assert after[realm.pk].topics_since(before[realm.pk]) == [TRAFFIC]
    assert after[other.pk].topics_since(before[other.pk]) == []

    note(realm.pk, "refused.inbox_full")
    flush()
    assert look_at([realm.pk])[realm.pk].topics_since(after[realm.pk]) == [TRAFFIC]


def test_what_was_counted_before_is_none(db: None) -> None:
    realm: Realm = new_realm("alice")
    before = look_at([realm.pk])

    with time_machine.travel(timezone.now() - timedelta(minutes=3)):
        note(realm.pk, "messages")
    flush()

    assert look_at([realm.pk])[realm.pk].topics_since(before[realm.pk]) == []


def test_what_an_agent_reads_is_traffic(realm: Realm, alice: WireAgent, bob: WireAgent) -> None:
    alice.send(bob.id)
    before = look_at([realm.pk])

    bob.get("/messages")

    after = look_at([realm.pk])
    assert after[realm.pk].topics_since(before[realm.pk]) == [TRAFFIC]
    bob.get("/messages")
    assert look_at([realm.pk])[realm.pk].topics_since(after[realm.pk]) == [], "there was nothing left"


def test_what_an_agent_writes_is_traffic(realm: Realm, alice: WireAgent) -> None:
    def write(value: str) -> Look:
        assert alice.post("/memory", {"entries": [{"key": "project.name", "value": value}]}).is_success
        return look_at([realm.pk])[realm.pk]

    nothing = look_at([realm.pk])[realm.pk]
    first = write("short")
    second = write("longer")

    assert first.topics_since(nothing) == [TRAFFIC]
    assert second.topics_since(first) == [TRAFFIC]
