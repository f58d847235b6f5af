"""Deleting a namespace with all that is in it."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection

from hub.memory import namespaces
from hub.memory.models import MemoryEntry, MemoryNamespace, MemoryUsage
from hub.memory.namespaces import remove_namespace
from realms.audit.models import AuditEvent
from realms.models import Realm
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cast import OPERATOR, Agent
from tests.memory.entries import keys_in, stored, write, written


def remove(realm: Realm, name: str = "project") -> int:
    """Delete a namespace of the realm."""
    return remove_namespace(realm_id=realm.pk, name=name, by=OPERATOR)


def test_it_takes_its_entries_and_no_others(realm: Realm, alice: Agent, mallory: Agent) -> None:
    written(alice, "project", "project.name", "Project.name", "projects.name")
    written(mallory, "project.name")

    assert remove(realm) == 2

    assert keys_in(alice.get("memory")) == ["Project.name", "projects.name"]
    assert keys_in(mallory.get("memory")) == ["project.name"]


def test_what_it_held_is_free_again(realm: Realm, alice: Agent) -> None:
    write(alice, {"project.a": "x" * 10, "project.b": 1, "other": "yy"})

    remove(realm)

    usage = MemoryUsage.objects.get()
    assert (usage.entries, usage.bytes) == (1, 4)


def test_who_writes_there_next_owns_it(realm: Realm, alice: Agent, bob: Agent) -> None:
    written(alice, "project.name")
    assert write(bob, {"project.name": 1}).code == "grant_required"

    remove(realm)

    assert write(bob, {"project.name": 1}).status == 200
    assert MemoryNamespace.objects.get().owner_id == bob.id
    assert MemoryEntry.objects.get().version == 1


def test_one_event_tells_of_it(realm: Realm, alice: Agent) -> None:
    written(alice, *(f"project.{i}" for i in range(5)))
    before = AuditEvent.objects.count()

    remove(realm)

    assert AuditEvent.objects.count() == before + 1
    assert AuditEvent.objects.order_by("number").last().details["entries"] == 5  # type: ignore[union-attr]


def test_an_empty_one_goes_too(realm: Realm, alice: Agent) -> None:
    written(alice, "project.name")
    alice.delete("memory/project.name")

    assert remove(realm) == 0

    assert not MemoryNamespace.objects.exists()


@pytest.mark.parametrize("name", ["Project", "project.name", "nothing"])
def test_what_is_not_there_is_not_found(realm: Realm, alice: Agent, name: str) -> None:
    written(alice, "project.name")
    before = stored()

    with pytest.raises(Refusal) as refused:
        remove(realm, name)

    assert refused.value.code == "not_found"
    assert stored() == before
    assert remove(realm) == 1


@pytest.mark.django_db(transaction=True)
def test_writes_at_the_same_time_come_before_or_after(realm: Realm, alice: Agent, bob: Agent) -> None:
    """A write whose claim found the namespace, and whose lock did not, claims it anew."""
    for _ in range(4):
        write(alice, {"b.0": 1, "c.0": 1})

        def remove_if_there() -> int:
            try:
                return remove(realm, "b") and 200
            except Refusal:
                return 404

        def put(agent: Agent, i: int) -> int:
            return write(agent, {f"a{i}.1": 1, f"b.{i}": 1}).status

        calls = [partial(put, agent, i) for i, agent in enumerate((alice, bob, alice, bob))]
        removed, *statuses = at_once(remove_if_there, *calls)

        assert removed == 200
        assert set(statuses) <= {200, 403}
        usage, sizes = MemoryUsage.objects.get(), list(MemoryEntry.objects.values_list("size", flat=True))
        assert (usage.entries, usage.bytes) == (len(sizes), sum(sizes))
        for namespace in MemoryNamespace.objects.all():
            remove(realm, namespace.name)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_write_whose_namespace_goes_before_its_lock_begins_again(
    realm: Realm, alice: Agent, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(alice, "project.name", "a.1")
    lock, calls = namespaces.lock_namespaces, []

    def remove_elsewhere() -> int:
        try:
            return remove(realm)
        finally:
            connection.close()

    def lock_late(realm_id: str, names: list[str]) -> dict[str, MemoryNamespace]:
        calls.append(names)
        if len(calls) == 1:
            with ThreadPoolExecutor(1) as thread:
                assert thread.submit(remove_elsewhere).result(5) == 1
        return lock(realm_id, names)

    monkeypatch.setattr(namespaces, "lock_namespaces", lock_late)

    assert write(bob, {"b.1": 1, "project.name": 2}).status == 200

    assert calls == [["b", "project"], ["project"], ["b", "project"]]
    assert MemoryNamespace.objects.get(name="project").owner_id == bob.id
    assert MemoryUsage.objects.get().entries == 3
