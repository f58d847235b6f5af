"""POST /memory with `if_version`."""

from typing import Any

from tests.cases import cases
from tests.cast import Agent
from tests.memory.entries import stored, write, written


def test_zero_writes_only_what_is_not_there(alice: Agent) -> None:
    assert write(alice, {"a.1": "first"}, if_version=0).status == 200

    answer = write(alice, {"a.1": "second"}, if_version=0)

    assert (answer.status, answer.code) == (409, "version_conflict")
    assert answer.json["versions"] == {"a.1": 1}
    assert answer.json["errors"] == [{"pointer": "/entries/0/if_version", "detail": "a.1 has version 1"}]
    assert alice.get("memory/a.1").json["value"] == "first"


def test_the_current_version_writes_the_next(alice: Agent) -> None:
    written(alice, "a.1")

    for version in (1, 2, 3):
        assert write(alice, {"a.1": version}, if_version=version).status == 200

    entry = alice.get("memory/a.1").json
    assert (entry["value"], entry["version"]) == (3, 4)


@cases("version", [0, 1, 3, 2**63 - 1])
def test_any_other_version_is_refused_with_the_current_one(alice: Agent, version: int) -> None:
    written(alice, "a.1")
    written(alice, "a.1")
    before = stored()

    answer = write(alice, {"a.1": 9}, if_version=version)

    assert (answer.status, answer.code) == (409, "version_conflict")
    assert answer.json["versions"] == {"a.1": 2}
    assert stored() == before
    assert write(alice, {"a.1": 9}, if_version=2).status == 200


def test_an_entry_that_is_not_there_has_version_zero(alice: Agent) -> None:
    answer = write(alice, {"a.1": 9}, if_version=1)

    assert answer.json["versions"] == {"a.1": 0}
    assert stored() == {"entries": [], "namespaces": [], "usage": []}


def test_all_conflicts_are_named_and_nothing_is_written(alice: Agent) -> None:
    written(alice, "a.1", "a.2", "a.3")
    before = stored()
    entries: list[dict[str, Any]] = [
        {"key": "a.1", "value": 9, "if_version": 5},
        {"key": "a.2", "value": 9, "if_version": 1},
        {"key": "a.3", "value": 9},
        {"key": "a.4", "value": 9, "if_version": 2},
    ]

    answer = alice.post("memory", {"entries": entries})

    assert answer.json["versions"] == {"a.1": 1, "a.4": 0}
    pointers = [error["pointer"] for error in answer.json["errors"]]
    assert pointers == ["/entries/0/if_version", "/entries/3/if_version"]
    assert stored() == before
    assert alice.post("memory", {"entries": entries[1:3]}).status == 200


def test_who_may_not_write_does_not_learn_the_version(alice: Agent, bob: Agent) -> None:
    written(alice, "a.1")

    answer = write(bob, {"a.1": 9}, if_version=7)

    assert (answer.status, answer.code) == (403, "grant_required")
    assert "versions" not in answer.json
