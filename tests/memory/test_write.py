"""POST /memory: what is written, and what is refused."""

from typing import Any

import pytest

from hub.memory.models import MemoryEntry, MemoryNamespace
from tests.cases import cases
from tests.cast import Agent
from tests.memory.entries import REFERENCE, keys_in, stored, write, written


def test_it_answers_as_the_reference_shows(alice: Agent) -> None:
    answer = alice.post("memory", REFERENCE)

    assert (answer.status, answer.json) == (
        200,
        {"written": 2, "entries": ["project.name", "project.stage"]},
    )


def test_the_answer_keeps_the_order_of_the_request(alice: Agent) -> None:
    assert write(alice, {"b.2": 1, "a.1": 2, "b.1": 3}).json["entries"] == ["b.2", "a.1", "b.1"]


def test_who_writes_a_namespace_first_owns_it(alice: Agent, bob: Agent) -> None:
    assert write(alice, {"project.name": 1}).status == 200

    answer = write(bob, {"project.other": 2})

    assert (answer.status, answer.code) == (403, "grant_required")
    assert MemoryNamespace.objects.get().owner_id == alice.id
    assert write(bob, {"projects.other": 2, "Project.other": 2}).status == 200


def test_another_session_of_the_same_key_needs_a_grant_too(alice: Agent, bob: Agent) -> None:
    assert alice.key == bob.key
    written(alice, "project.name")

    assert write(bob, {"project.name": 2}).code == "grant_required"
    assert alice.get("memory/project.name").json["value"] == 1


def test_writing_again_counts_versions(alice: Agent) -> None:
    for value in ("a", "b", "b"):
        assert write(alice, {"a.1": value}).status == 200

    entry = alice.get("memory/a.1").json
    assert (entry["value"], entry["version"]) == ("b", 3)


def test_a_write_moves_the_time_of_its_own_entries_alone(alice: Agent) -> None:
    written(alice, "a.1", "a.2")
    before = {entry["key"]: entry["updated_at"] for entry in alice.get("memory").json["entries"]}

    written(alice, "a.1")

    after = {entry["key"]: entry["updated_at"] for entry in alice.get("memory").json["entries"]}
    assert after["a.1"] > before["a.1"]
    assert after["a.2"] == before["a.2"]


@pytest.mark.parametrize("pattern", ["project.name", "project.*", "*"])
def test_a_write_grant_lets_another_write(alice: Agent, bob: Agent, pattern: str) -> None:
    written(alice, "project.name")
    assert write(bob, {"project.name": 2}).code == "grant_required"
    alice.grant(bob, "memory.write", pattern)

    assert write(bob, {"project.name": 2}).status == 200

    entry = alice.get("memory/project.name").json
    assert (entry["value"], entry["owner"], entry["version"]) == (2, alice.id, 2)
    assert MemoryEntry.objects.get().written_by_id == bob.id


def test_what_another_adds_belongs_to_the_namespaces_owner(alice: Agent, bob: Agent) -> None:
    written(alice, "project.name")
    alice.grant(bob, "memory.write", "project.*")

    assert write(bob, {"project.new": 2}).status == 200

    assert alice.get("memory/project.new").json["owner"] == alice.id
    assert bob.get("memory/project.new").code == "grant_required"


@cases(
    ("capability", "pattern", "name"),
    [
        ("memory.write", "project.name", "project.names"),
        ("memory.write", "project.name", "project.name.x"),
        ("memory.write", "project.name", "project"),
        ("memory.write", "project.*", "project"),
        ("memory.write", "project.api.*", "project.apix.y"),
        ("memory.write", "project.api.*", "project.name"),
        ("memory.write", "Project.*", "project.name"),
        ("memory.read", "*", "project.name"),
        ("memory.delete", "*", "project.name"),
    ],
)
def test_a_grant_that_does_not_cover_the_key_lets_nothing_be_written(
    alice: Agent, bob: Agent, capability: str, pattern: str, name: str
) -> None:
    written(alice, "project.name")
    alice.grant(bob, capability, pattern)
    before = stored()

    answer = write(bob, {name: 2})

    assert (answer.status, answer.code) == (403, "grant_required")
    assert answer.json["errors"] == [{"pointer": "/entries/0/key", "detail": f"owned by {alice.id}"}]
    assert stored() == before


def test_the_refusal_pairs_a_key_with_its_own_owner(alice: Agent, bob: Agent, charlie: Agent) -> None:
    written(alice, "a.1")
    written(bob, "b.1")

    answer = write(charlie, {"c.1": 1, "b.1": 1, "a.1": 1})

    assert [error["pointer"] for error in answer.json["errors"]] == ["/entries/1/key", "/entries/2/key"]
    assert answer.json["owners"] == sorted([alice.id, bob.id])
    assert f'"to": "{bob.id}", "capability": "memory.write", "namespace": "b.1"' in answer.json["detail"]


def test_one_key_without_a_grant_and_nothing_is_written(alice: Agent, bob: Agent) -> None:
    written(alice, "a.1")
    alice.grant(bob, "memory.write", "a.1")
    before = stored()

    answer = write(bob, {"a.1": 2, "new.1": 2, "a.2": 2})

    assert (answer.status, answer.json["errors"][0]["pointer"]) == (403, "/entries/2/key")
    assert stored() == before
    assert write(bob, {"a.1": 2, "new.1": 2}).status == 200


def test_a_key_twice_is_refused_where_it_is_the_second_time(alice: Agent) -> None:
    twice = [{"key": "a.1", "value": 1}, {"key": "a.2", "value": 1}, {"key": "a.1", "value": 2}]

    answer = alice.post("memory", {"entries": twice})

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/entries/2/key"
    assert not MemoryNamespace.objects.exists()
    assert alice.post("memory", {"entries": twice[:2]}).status == 200


def test_keys_that_differ_in_case_are_different(alice: Agent) -> None:
    assert write(alice, {"a.b": 1, "a.B": 2, "A.b": 3}).status == 200

    assert sorted(keys_in(alice.get("memory"))) == ["A.b", "a.B", "a.b"]


def test_a_hundred_entries_go_and_one_more_does_not(alice: Agent) -> None:
    hundred: dict[str, Any] = {f"a.{i}": i for i in range(100)}

    answer = write(alice, {**hundred, "a.100": 1})
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/entries"
    assert not MemoryNamespace.objects.exists()

    for version in (1, 2):
        assert write(alice, hundred).json["written"] == 100
        got = {entry["key"]: entry for entry in alice.get("memory").json["entries"]}
        assert {name: entry["value"] for name, entry in got.items()} == hundred
        assert {entry["version"] for entry in got.values()} == {version}


@cases(
    "name",
    ["a", "A", "0", "_", "-", "a.b", "a-b_c.D.0", "a" * 255, "a." + "b" * 253, ".".join("a" * 128)],
)
def test_a_key_is_segments_joined_by_dots(alice: Agent, name: str) -> None:
    assert write(alice, {name: 1}).json["entries"] == [name]

    assert alice.get(f"memory/{name}").json["key"] == name
    assert MemoryNamespace.objects.get().name == name.split(".")[0]


@cases(
    "name",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a b",
        "a/b",
        "a*",
        "a.*",
        "*",
        "ä",
        "a\n",
        "a.b\n",
        "a" * 256,
        1,
        None,
        ["a"],
    ],
)
def test_what_is_no_key_is_refused_and_nothing_is_written(alice: Agent, name: Any) -> None:
    good = {"key": "good", "value": 1}

    answer = alice.post("memory", {"entries": [good, {"key": name, "value": 1}]})

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/entries/1/key"
    assert not MemoryNamespace.objects.exists()
    assert alice.post("memory", {"entries": [good]}).status == 200


@cases(
    ("body", "pointer"),
    [
        ({}, "/entries"),
        ({"entries": []}, "/entries"),
        ({"entries": {"a": 1}}, "/entries"),
        ({"entries": None}, "/entries"),
        ({"entries": [1]}, "/entries/0"),
        ({"entries": [{"key": "a"}]}, "/entries/0/value"),
        ({"entries": [{"value": 1}]}, "/entries/0/key"),
        ({"entries": [{"key": "a", "value": 1}], "realm": "default"}, "/realm"),
        ({"entries": [{"key": "a", "value": 1, "if_version": -1}]}, "/entries/0/if_version"),
        ({"entries": [{"key": "a", "value": 1, "if_version": 2**63}]}, "/entries/0/if_version"),
        ({"entries": [{"key": "a", "value": 1, "if_version": "1"}]}, "/entries/0/if_version"),
        ({"entries": [{"key": "a", "value": 1, "if_version": None}]}, "/entries/0/if_version"),
        ({"entries": [{"key": "a", "value": 1, "if_version": True}]}, "/entries/0/if_version"),
        ([], ""),
        ("entries", ""),
    ],
)
def test_a_body_of_another_shape_is_refused_where_it_is(alice: Agent, body: Any, pointer: str) -> None:
    answer = alice.post("memory", body)

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == pointer
    assert not MemoryNamespace.objects.exists()


def test_an_unknown_member_of_an_entry_is_named(alice: Agent) -> None:
    answer = alice.post("memory", {"entries": [{"key": "a", "value": 1, "vlaue": 2}]})

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/entries/0/vlaue"]
    assert not MemoryNamespace.objects.exists()


def test_another_realm_has_a_store_of_its_own(alice: Agent, mallory: Agent) -> None:
    assert write(alice, {"project.name": "alice's"}).status == 200
    assert write(mallory, {"project.name": "mallory's"}, if_version=0).status == 200

    assert alice.get("memory/project.name").json["value"] == "alice's"
    assert alice.get("memory/project.name").json["version"] == 1
    assert mallory.get("memory/project.name").json["owner"] == mallory.id


def test_a_namespace_whose_owner_left_cannot_be_taken(alice: Agent, bob: Agent) -> None:
    written(alice, "project.name")
    assert bob.delete(f"sessions/{alice.id}").status == 200

    assert write(bob, {"project.name": 2}).code == "grant_required"
    assert MemoryNamespace.objects.get().owner_id == alice.id
