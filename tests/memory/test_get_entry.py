"""GET /memory/:key."""

import pytest

from tests.cases import cases
from tests.cast import Agent
from tests.memory.entries import write, written


def test_it_returns_the_entry_as_a_list_does(alice: Agent) -> None:
    assert write(alice, {"project.name": {"b": 1, "a": [None]}}).status == 200

    answer = alice.get("memory/project.name")

    assert answer.status == 200
    assert [answer.json] == alice.get("memory").json["entries"]
    assert set(answer.json) == {"key", "value", "owner", "updated_at", "version"}


def test_a_read_grant_opens_it(alice: Agent, bob: Agent) -> None:
    written(alice, "project.name", "project.stage")
    alice.grant(bob, "memory.read", "project.name")

    assert bob.get("memory/project.name").json["owner"] == alice.id
    assert bob.get("memory/project.stage").code == "grant_required"


@pytest.mark.parametrize("capability", ["memory.write", "memory.delete"])
def test_without_a_read_grant_it_is_refused(alice: Agent, bob: Agent, capability: str) -> None:
    written(alice, "project.name")
    alice.grant(bob, capability, "*")

    answer = bob.get("memory/project.name")

    assert (answer.status, answer.code) == (403, "grant_required")
    assert (answer.json["capability"], answer.json["owners"]) == ("memory.read", [alice.id])


@cases("name", ["project.nam", "Project.name", "project", "project.name.x", "project.name%0A"])
def test_another_key_is_not_found(alice: Agent, name: str) -> None:
    written(alice, "project.name")
    assert alice.get("memory/project.name").status == 200

    answer = alice.get(f"memory/{name}")

    assert (answer.status, answer.code) == (404, "memory_key_not_found")


@cases("name", ["*", "a..b", "a%00b", "%C3%A4", "%FF", "a%20b", "a" * 256, "a" * 100_000])
def test_what_is_no_key_is_not_found(alice: Agent, name: str) -> None:
    answer = alice.get(f"memory/{name}")

    assert (answer.status, answer.code) == (404, "memory_key_not_found")


def test_a_key_of_another_realm_is_like_an_unknown_one(alice: Agent, mallory: Agent) -> None:
    written(alice, "project.name")
    assert alice.get("memory/project.name").status == 200

    theirs, unknown = mallory.get("memory/project.name"), mallory.get("memory/project.other")

    assert theirs.status == 404
    assert theirs.json | {"request_id": ""} == unknown.json | {"request_id": ""}
