"""Memory under writers that start at the same moment."""

from functools import partial

import pytest

from hub.memory.models import MemoryEntry, MemoryNamespace, MemoryUsage
from realms.models import Realm
from tests.at_once import at_once
from tests.cast import Agent, Answer
from tests.memory.entries import write, written

pytestmark = pytest.mark.django_db(transaction=True)


def _statuses(answers: list[Answer]) -> list[int]:
    return sorted(answer.status for answer in answers)


def test_writes_to_one_key_lose_no_version(alice: Agent) -> None:
    answers = at_once(*(partial(write, alice, {"a.1": i}) for i in range(8)))

    assert _statuses(answers) == [200] * 8
    entry = MemoryEntry.objects.get()
    assert (entry.version, entry.size) == (8, 1)
    usage = MemoryUsage.objects.get()
    assert (usage.entries, usage.bytes) == (1, 1)


def test_of_writes_for_the_same_version_one_wins(alice: Agent) -> None:
    written(alice, "a.1")

    answers = at_once(*(partial(write, alice, {"a.1": i}, if_version=1) for i in range(6)))

    assert _statuses(answers) == [200] + [409] * 5
    assert MemoryEntry.objects.get().version == 2
    assert {answer.json["versions"]["a.1"] for answer in answers if answer.status == 409} == {2}


def test_first_writes_of_a_namespace_give_one_owner(alice: Agent, bob: Agent, charlie: Agent) -> None:
    agents = [alice, bob, charlie, alice, bob, charlie]

    answers = at_once(*(partial(write, agent, {f"a.{i}": 1}) for i, agent in enumerate(agents)))

    owner = MemoryNamespace.objects.get().owner_id
    for agent, answer in zip(agents, answers, strict=True):
        assert answer.status == (200 if agent.id == owner else 403)
    assert MemoryEntry.objects.count() == MemoryUsage.objects.get().entries == 2


def test_batches_over_the_same_namespaces_in_any_order_do_not_block_each_other(
    alice: Agent, bob: Agent
) -> None:
    written(alice, "b.0", "d.0")
    alice.grant(bob, "memory.write", "*")
    forth = {f"{name}.1": 1 for name in "abcd"}
    back = dict(reversed(forth.items()))

    answers = at_once(
        *(partial(write, agent, batch) for agent in (alice, bob) for batch in (forth, back) * 2)
    )

    # Whoever came first owns `a` and `c`: if that was bob, alice has no grant of his.
    assert {answer.status for answer in answers} <= {200, 403}
    assert 200 in _statuses(answers)
    versions = set(MemoryEntry.objects.filter(key__endswith=".1").values_list("version", flat=True))
    assert versions == {_statuses(answers).count(200)}


def test_writers_of_different_namespaces_do_not_overdraw_the_realms_room(alice: Agent, bob: Agent) -> None:
    Realm.objects.update(memory_max_entries=3)

    writes = [partial(write, agent, {f"{agent.id}.{i}": 1}) for agent in (alice, bob) for i in range(4)]
    answers = at_once(*writes)

    assert _statuses(answers) == [200] * 3 + [403] * 5
    assert MemoryEntry.objects.count() == MemoryUsage.objects.get().entries == 3


def test_writes_and_deletes_of_a_key_leave_true_totals(alice: Agent) -> None:
    written(alice, "a.1")

    calls = [partial(write, alice, {"a.1": "x" * i}) for i in range(4)]
    deletes = [partial(alice.delete, "memory/a.1") for _ in range(4)]
    answers = at_once(*calls, *deletes)

    assert _statuses(answers[:4]) == [200] * 4
    assert set(_statuses(answers[4:])) <= {200, 404}
    usage = MemoryUsage.objects.get()
    sizes = list(MemoryEntry.objects.values_list("size", flat=True))
    assert (usage.entries, usage.bytes) == (len(sizes), sum(sizes))
