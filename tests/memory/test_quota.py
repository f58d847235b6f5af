"""POST /memory against the realm's room for entries and bytes."""

import pytest

from hub.memory.models import MemoryUsage
from realms.models import Realm
from tests.cast import Agent
from tests.memory.entries import stored, write, written


@pytest.fixture
def _room_for_three_entries(realm: Realm) -> None:
    Realm.objects.update(memory_max_entries=3)


@pytest.fixture
def _room_for_ten_bytes(realm: Realm) -> None:
    Realm.objects.update(memory_max_bytes=10)


def test_without_an_entry_there_is_no_usage(alice: Agent) -> None:
    assert not MemoryUsage.objects.exists()

    assert write(alice, {"a.1": "é"}).status == 200

    usage = MemoryUsage.objects.get()
    assert (usage.entries, usage.bytes) == (1, 4)


@pytest.mark.usefixtures("_room_for_three_entries")
def test_one_entry_too_many_is_refused(alice: Agent) -> None:
    written(alice, "a.1", "a.2")
    before = stored()

    answer = write(alice, {"a.1": 5, "a.3": 1, "b.1": 1})

    assert (answer.status, answer.code) == (403, "quota_exceeded")
    assert "3 entries" in answer.json["detail"]
    assert stored() == before
    assert write(alice, {"a.1": 5, "a.3": 1}).status == 200


@pytest.mark.usefixtures("_room_for_three_entries")
def test_a_full_store_can_be_rewritten_and_emptied(alice: Agent) -> None:
    written(alice, "a.1", "a.2", "a.3")

    assert write(alice, {"a.1": "longer", "a.2": 2, "a.3": 3}).status == 200
    assert write(alice, {"a.4": 1}).code == "quota_exceeded"
    assert alice.delete("memory/a.1").status == 200
    assert write(alice, {"a.4": 1}).status == 200


@pytest.mark.usefixtures("_room_for_ten_bytes")
def test_one_byte_too_many_is_refused(alice: Agent) -> None:
    assert write(alice, {"a.1": "é"}).status == 200
    before = stored()

    answer = write(alice, {"a.2": "xxxxx"})

    assert (answer.status, answer.code) == (403, "quota_exceeded")
    assert "10 bytes" in answer.json["detail"]
    assert stored() == before
    assert write(alice, {"a.2": "xxxx"}).status == 200


@pytest.mark.usefixtures("_room_for_ten_bytes")
def test_what_is_overwritten_makes_room_in_the_same_request(alice: Agent) -> None:
    assert write(alice, {"a.1": "xxxxxxxx"}).status == 200

    assert write(alice, {"a.1": "xx", "a.2": "xxxx"}).status == 200
    assert write(alice, {"a.1": "xxx"}).code == "quota_exceeded"


@pytest.mark.usefixtures("_room_for_three_entries")
def test_a_store_beyond_a_limit_that_was_lowered_can_only_shrink(alice: Agent) -> None:
    assert write(alice, {"a.1": "xxxx", "a.2": "xxxx", "a.3": "xxxx"}).status == 200
    Realm.objects.update(memory_max_entries=1, memory_max_bytes=5)

    assert write(alice, {"a.1": "xxxxx"}).code == "quota_exceeded"
    assert write(alice, {"a.1": "xxx"}).status == 200
    assert write(alice, {"a.1": "yyy"}).status == 200
    assert alice.delete("memory/a.1").status == 200
    assert write(alice, {"a.4": 1}).code == "quota_exceeded"


@pytest.mark.usefixtures("_room_for_three_entries")
def test_all_sessions_of_a_realm_share_its_room(alice: Agent, bob: Agent) -> None:
    written(alice, "a.1", "a.2")
    written(bob, "b.1")

    assert write(bob, {"b.2": 1}).code == "quota_exceeded"


def test_a_realm_has_its_room_for_itself(alice: Agent, mallory: Agent) -> None:
    Realm.objects.update(memory_max_entries=1)
    written(alice, "a.1")

    assert write(mallory, {"a.1": 1}).status == 200
    assert write(mallory, {"a.2": 1}).code == "quota_exceeded"
