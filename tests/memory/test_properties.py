"""Properties: the patterns of grants against each other, and memory against a model of it."""

from collections.abc import Mapping
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.grants.patterns import EVERYTHING, SUBTREE, covers, entries_covered, first_segment, is_within
from hub.memory.models import MemoryEntry, MemoryNamespace, MemoryUsage
from tests.cast import Agent
from tests.memory.entries import keys_in, write, written

# Few and similar segments, so that keys and patterns often meet or just miss each other.
SEGMENTS = st.sampled_from(["a", "A", "b", "ab", "a_", "a-b", "_", "0"])
KEYS = st.lists(SEGMENTS, min_size=1, max_size=4).map(".".join)
PATTERNS = st.just(EVERYTHING) | KEYS | KEYS.map(lambda root: root + SUBTREE)

each_example_in_the_same_database = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _witness(pattern: str) -> str:
    """Return a key that `pattern` covers and that no narrower pattern made of SEGMENTS does."""
    return pattern.replace("*", "zz")


@given(PATTERNS, PATTERNS, KEYS)
def test_what_lies_within_covers_no_more(narrow: str, wide: str, name: str) -> None:
    if is_within(narrow, wide) and covers(narrow, name):
        assert covers(wide, name)


@given(PATTERNS, PATTERNS)
def test_what_does_not_lie_within_covers_something_more(narrow: str, wide: str) -> None:
    witness = _witness(narrow)

    assert covers(narrow, witness)
    assert is_within(narrow, wide) == covers(wide, witness)


@given(PATTERNS, PATTERNS, PATTERNS)
def test_within_is_an_order(a: str, b: str, c: str) -> None:
    assert is_within(a, a)
    assert is_within(a, EVERYTHING)
    if is_within(a, b) and is_within(b, c):
        assert is_within(a, c)
    if is_within(a, b) and is_within(b, a):
        assert a == b


@given(PATTERNS, KEYS)
def test_a_pattern_covers_keys_of_its_own_namespace_alone(pattern: str, name: str) -> None:
    if covers(pattern, name):
        assert first_segment(pattern) in (None, name.split(".")[0])


@given(PATTERNS)
def test_a_subtree_does_not_cover_its_root(pattern: str) -> None:
    if pattern.endswith(SUBTREE):
        assert not covers(pattern, pattern.removesuffix(SUBTREE))
        assert not is_within(pattern.removesuffix(SUBTREE), pattern)


@each_example_in_the_same_database
@given(keys=st.lists(KEYS, min_size=1, max_size=20, unique=True), patterns=st.lists(PATTERNS, max_size=5))
def test_the_query_finds_what_the_function_covers(alice: Agent, keys: list[str], patterns: list[str]) -> None:
    MemoryEntry.objects.all().delete()
    written(alice, *keys)

    for pattern in [*patterns, EVERYTHING, keys[0], keys[0] + SUBTREE]:
        found = set(MemoryEntry.objects.filter(entries_covered(pattern)).values_list("key", flat=True))
        assert found == {name for name in keys if covers(pattern, name)}, pattern


@each_example_in_the_same_database
@given(keys=st.lists(KEYS, min_size=1, max_size=20, unique=True), prefix=KEYS)
def test_a_namespace_reads_what_starts_with_it_dot_by_dot(alice: Agent, keys: list[str], prefix: str) -> None:
    MemoryEntry.objects.all().delete()
    written(alice, *keys)

    found = keys_in(alice.get(f"memory?namespace={prefix}"))

    assert set(found) == {name for name in keys if f"{name}.".startswith(f"{prefix}.")}


Batches = st.dictionaries(KEYS, st.none() | st.integers(0, 9999) | st.text("aé😀", max_size=6), max_size=4)
Steps = st.lists(st.tuples(st.sampled_from("ab"), Batches.filter(bool) | KEYS), min_size=1, max_size=12)


def _apply(model: dict[str, Any], owners: dict[str, str], who: str, step: Mapping[str, Any] | str) -> int:
    """Do a step to the model and return the status that the hub should answer with."""
    keys = [step] if isinstance(step, str) else list(step)
    if isinstance(step, str) and step not in model:
        return 404
    if any(owners.get(name.split(".")[0], who) != who for name in keys):
        return 403
    if isinstance(step, str):
        del model[step]
    else:
        model.update(step)
        owners.update({name.split(".")[0]: who for name in keys})
    return 200


@each_example_in_the_same_database
@given(steps=Steps)
def test_a_realms_memory_is_a_dict_with_owners(
    alice: Agent, bob: Agent, steps: list[tuple[str, Mapping[str, Any] | str]]
) -> None:
    MemoryNamespace.objects.all().delete()
    MemoryUsage.objects.all().delete()
    model: dict[str, Any] = {}
    owners: dict[str, str] = {}
    agents = {"a": alice, "b": bob}
    for who, step in steps:
        agent = agents[who]
        answer = agent.delete(f"memory/{step}") if isinstance(step, str) else write(agent, dict(step))
        assert answer.status == _apply(model, owners, who, step), (who, step, answer.json)

    for who, agent in agents.items():
        entries = agent.get("memory?limit=500").json["entries"]
        got = {entry["key"]: entry["value"] for entry in entries}
        assert got == {name: value for name, value in model.items() if owners[name.split(".")[0]] == who}
    usage = MemoryUsage.objects.first()
    totals = (usage.entries, usage.bytes) if usage else (0, 0)
    assert totals == (len(model), sum(len(msgspec.json.encode(value)) for value in model.values()))
