"""The tree of keys, as the database groups it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.memory.models import MemoryNamespace
from hub.memory.tree import branches
from tests.cast import Agent
from tests.memory.entries import written


def rows(name: str, prefix: str) -> list[tuple[Any, ...]]:
    """Return what lies below a prefix: segment, entries, and whether one ends there."""
    found = branches(MemoryNamespace.objects.get(name=name), prefix).order_by("segment")
    return [(row["segment"], row["entries"], row["itself"]) for row in found]


def test_keys_are_grouped_by_their_next_segment(alice: Agent) -> None:
    written(alice, "a", "a.b", "a.b.c", "a.b.c.d", "a.b.cc", "a.bb.c", "ab.b")

    assert rows("a", "a") == [("b", 4, 1), ("bb", 1, 0)]
    assert rows("a", "a.b") == [("c", 2, 1), ("cc", 1, 1)]
    assert rows("a", "a.b.c") == [("d", 1, 1)]
    assert rows("a", "a.b.c.d") == []


def test_letters_in_another_case_are_others(alice: Agent) -> None:
    written(alice, "a.b.c", "a.B.c", "a.B.C")

    assert rows("a", "a") == [("B", 2, 0), ("b", 1, 0)]
    assert rows("a", "a.B") == [("C", 1, 1), ("c", 1, 1)]


segments = st.text("aB_-9", min_size=1, max_size=2)


@pytest.mark.django_db(transaction=True)
def test_each_key_lies_in_one_branch(alice: Agent) -> None:
    written(alice, "n")

    @settings(max_examples=15, deadline=None)
    @given(st.sets(st.lists(segments, min_size=1, max_size=3).map(".".join), min_size=1, max_size=8))
    def holds(rests: set[str]) -> None:
        MemoryNamespace.objects.get(name="n").entries.all().delete()
        written(alice, *(f"n.{rest}" for rest in rests))
        expected: dict[str, list[int]] = {}
        for rest in rests:
            segment, _, more = rest.partition(".")
            counts = expected.setdefault(segment, [0, 0])
            counts[0] += 1
            counts[1] += not more
        assert {segment: [entries, itself] for segment, entries, itself in rows("n", "n")} == expected

    holds()
