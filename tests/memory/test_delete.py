"""DELETE /memory/:key."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hub.grants.models import Grant
from hub.memory.models import MemoryNamespace, MemoryUsage
from tests.cases import cases
from tests.cast import Agent
from tests.memory.entries import keys_in, stored, write, written


def test_it_answers_as_the_reference_shows(alice: Agent) -> None:
    written(alice, "project.name", "project.stage")

    answer = alice.delete("memory/project.name")

    assert (answer.status, answer.json) == (200, {"deleted": True, "key": "project.name"})
    assert keys_in(alice.get("memory")) == ["project.stage"]


def test_a_deleted_key_is_not_found_any_more(alice: Agent) -> None:
    written(alice, "project.name")
    assert alice.delete("memory/project.name").status == 200

    answer = alice.delete("memory/project.name")

    assert (answer.status, answer.code) == (404, "memory_key_not_found")
    assert alice.get("memory/project.name").status == 404


def test_a_key_takes_nothing_below_it_along(alice: Agent) -> None:
    written(alice, "project", "project.name")

    assert alice.delete("memory/project").status == 200

    assert keys_in(alice.get("memory")) == ["project.name"]


def test_its_room_is_free_again(alice: Agent) -> None:
    assert write(alice, {"a.1": "xxxx", "a.2": 1}).status == 200

    alice.delete("memory/a.1")

    usage = MemoryUsage.objects.get()
    assert (usage.entries, usage.bytes) == (1, 1)


def test_a_namespace_stays_with_its_owner_when_it_is_empty(alice: Agent, bob: Agent) -> None:
    written(alice, "project.name")
    assert alice.delete("memory/project.name").status == 200

    assert write(bob, {"project.name": 2}).code == "grant_required"
    assert MemoryNamespace.objects.get().owner_id == alice.id


def test_versions_start_again_after_a_delete(alice: Agent) -> None:
    written(alice, "a.1")
    written(alice, "a.1")
    alice.delete("memory/a.1")

    assert write(alice, {"a.1": 1}, if_version=0).status == 200
    assert alice.get("memory/a.1").json["version"] == 1


@pytest.mark.parametrize("pattern", ["project.name", "project.*", "*"])
def test_a_delete_grant_lets_another_delete(alice: Agent, bob: Agent, pattern: str) -> None:
    written(alice, "project.name")
    assert bob.delete("memory/project.name").status == 403
    alice.grant(bob, "memory.delete", pattern)

    assert bob.delete("memory/project.name").status == 200

    assert keys_in(alice.get("memory")) == []


@cases(
    ("capability", "pattern"),
    [
        ("memory.read", "*"),
        ("memory.write", "*"),
        ("memory.delete", "project.nam"),
        ("memory.delete", "project.name.*"),
        ("memory.delete", "Project.*"),
    ],
)
def test_without_a_grant_that_covers_it_nothing_is_deleted(
    alice: Agent, bob: Agent, capability: str, pattern: str
) -> None:
    written(alice, "project.name")
    alice.grant(bob, capability, pattern)
    before = stored()

    answer = bob.delete("memory/project.name")

    assert (answer.status, answer.code) == (403, "grant_required")
    assert (answer.json["capability"], answer.json["owners"]) == ("memory.delete", [alice.id])
    assert stored() == before


def test_an_overdue_grant_does_not_let_delete(alice: Agent, bob: Agent) -> None:
    written(alice, "a.1", "a.2")
    alice.grant(bob, "memory.delete", "*")
    assert bob.delete("memory/a.1").status == 200
    Grant.objects.update(expires_at=timezone.now() - timedelta(milliseconds=2))

    assert bob.delete("memory/a.2").status == 403
    assert keys_in(alice.get("memory")) == ["a.2"]


def test_what_another_wrote_into_a_namespace_its_owner_may_delete(alice: Agent, bob: Agent) -> None:
    written(alice, "a.1")
    alice.grant(bob, "memory.write", "a.*")
    written(bob, "a.2")

    assert bob.delete("memory/a.2").code == "grant_required"
    assert alice.delete("memory/a.2").status == 200


@cases("name", ["project", "Project.name", "project.name.x", "*", "a%00b", "a" * 256])
def test_an_unknown_key_is_not_found(alice: Agent, name: str) -> None:
    written(alice, "project.name")
    before = stored()

    answer = alice.delete(f"memory/{name}")

    assert (answer.status, answer.code) == (404, "memory_key_not_found")
    assert stored() == before


def test_a_key_of_another_realm_is_like_an_unknown_one(alice: Agent, mallory: Agent) -> None:
    written(alice, "project.name")

    theirs, unknown = mallory.delete("memory/project.name"), mallory.delete("memory/project.other")

    assert theirs.status == 404
    assert theirs.json | {"request_id": ""} == unknown.json | {"request_id": ""}
    assert keys_in(alice.get("memory")) == ["project.name"]


def test_it_deletes_in_its_own_realm_alone(alice: Agent, mallory: Agent) -> None:
    for agent in (alice, mallory):
        written(agent, "project.name")

    assert mallory.delete("memory/project.name").status == 200

    assert keys_in(alice.get("memory")) == ["project.name"]
    usage = dict(MemoryUsage.objects.values_list("realm__owner__email", "entries"))
    assert usage == {"alice@example.com": 1, "mallory@example.com": 0}
