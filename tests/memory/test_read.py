"""GET /memory."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hub.grants.models import Grant
from tests.cases import cases
from tests.cast import Agent
from tests.memory.entries import REFERENCE, keys_in, stored, write, written


def test_it_answers_as_the_reference_shows(alice: Agent) -> None:
    assert alice.post("memory", REFERENCE).status == 200

    answer = alice.get("memory?namespace=project")

    assert answer.status == 200
    assert set(answer.json) == {"entries"}
    name, stage = answer.json["entries"]
    assert set(name) == {"key", "value", "owner", "updated_at", "version"}
    assert (name["key"], name["value"]) == ("project.name", "My Project")
    assert (stage["key"], stage["value"]) == ("project.stage", "planning")
    assert name["owner"] == stage["owner"] == alice.id
    assert name["version"] == 1
    assert len(name["updated_at"]) == len("2026-04-06T09:02:00.123456Z")


@cases(
    ("namespace", "matched"),
    [
        ("project", ["project", "project.api", "project.api.v1", "project.api.v1.path", "project.apix"]),
        ("project.api", ["project.api", "project.api.v1", "project.api.v1.path"]),
        ("project.api.v1", ["project.api.v1", "project.api.v1.path"]),
        ("project.api.v1.path", ["project.api.v1.path"]),
        ("projects", ["projects.x"]),
        ("Project", ["Project.y"]),
        ("project_", ["project_.z"]),
        ("proj", []),
        ("project.a", []),
        ("project.API", []),
        ("project-", []),
    ],
)
def test_a_namespace_is_a_key_and_what_lies_below_it(
    alice: Agent, namespace: str, matched: list[str]
) -> None:
    written(alice, "project", "project.api", "project.api.v1", "project.api.v1.path", "project.apix")
    written(alice, "projects.x", "Project.y", "project_.z", "projectXapi")

    assert sorted(keys_in(alice.get(f"memory?namespace={namespace}"))) == matched


def test_without_a_namespace_it_lists_all_that_the_session_may_read(alice: Agent, bob: Agent) -> None:
    written(alice, "a.1", "a.2", "c.1")
    written(bob, "b.1")
    bob.grant(alice, "memory.read", "b.*")

    assert keys_in(alice.get("memory")) == ["a.1", "a.2", "b.1", "c.1"]
    assert keys_in(bob.get("memory")) == ["b.1"]


def test_who_may_read_nothing_gets_an_empty_list_of_the_whole_store(alice: Agent, bob: Agent) -> None:
    written(alice, "a.1")

    assert keys_in(bob.get("memory")) == []


@cases(
    ("pattern", "readable"),
    [
        ("*", ["a", "a.b", "a.b.c", "a.bc", "z.1"]),
        ("a.*", ["a.b", "a.b.c", "a.bc"]),
        ("a.b.*", ["a.b.c"]),
        ("a.b", ["a.b"]),
        ("a", ["a"]),
        ("A.*", []),
        ("z.2", []),
    ],
)
def test_a_grant_opens_what_its_namespace_covers(
    alice: Agent, bob: Agent, pattern: str, readable: list[str]
) -> None:
    written(alice, "a", "a.b", "a.b.c", "a.bc", "z.1")
    alice.grant(bob, "memory.read", pattern)

    assert keys_in(bob.get("memory")) == readable


def test_a_grant_of_everything_ends_where_the_grantors_memory_does(
    alice: Agent, bob: Agent, charlie: Agent
) -> None:
    written(alice, "a.1")
    written(charlie, "c.1")
    alice.grant(bob, "memory.read", "*")

    assert keys_in(bob.get("memory")) == ["a.1"]
    assert bob.get("memory?namespace=c").status == 403


def test_several_grants_add_up_and_give_no_entry_twice(alice: Agent, bob: Agent, charlie: Agent) -> None:
    written(alice, "a.1", "a.2")
    written(charlie, "c.1", "c.2")
    for pattern in ("a.1", "a.*", "*"):
        alice.grant(bob, "memory.read", pattern)
    charlie.grant(bob, "memory.read", "c.2")

    assert keys_in(bob.get("memory")) == ["a.1", "a.2", "c.2"]


@pytest.mark.parametrize("capability", ["memory.write", "memory.delete"])
def test_another_capability_does_not_let_read(alice: Agent, bob: Agent, capability: str) -> None:
    written(alice, "a.1")
    alice.grant(bob, capability, "*")

    answer = bob.get("memory?namespace=a")

    assert (answer.status, answer.code) == (403, "grant_required")
    assert keys_in(bob.get("memory")) == []


def test_a_grant_does_not_work_backwards(alice: Agent, bob: Agent) -> None:
    written(alice, "a.1")
    written(bob, "b.1")
    alice.grant(bob, "memory.read", "*")

    assert bob.get("memory?namespace=a").status == 200
    assert alice.get("memory?namespace=b").status == 403


def test_a_pending_grant_opens_nothing(alice: Agent, bob: Agent) -> None:
    written(alice, "a.1")
    wish = {"to": alice.id, "capability": "memory.read", "namespace": "a.*"}
    asked = bob.post("grants", wish).json["grant_id"]

    assert bob.get("memory?namespace=a").status == 403

    assert alice.post(f"grants/{asked}/approve").status == 200
    assert bob.get("memory?namespace=a").status == 200


def test_an_overdue_grant_opens_nothing_though_no_worker_ran(alice: Agent, bob: Agent) -> None:
    written(alice, "a.1")
    alice.grant(bob, "memory.read", "a.*")
    assert bob.get("memory?namespace=a").status == 200

    Grant.objects.update(expires_at=timezone.now() - timedelta(milliseconds=2))

    assert bob.get("memory?namespace=a").status == 403
    assert keys_in(bob.get("memory")) == []
    assert Grant.objects.get().status == Grant.Status.ACTIVE


def test_entries_of_which_none_may_be_read_are_refused(alice: Agent, bob: Agent) -> None:
    written(alice, "project.secret-name")

    answer = bob.get("memory?namespace=project")

    assert (answer.status, answer.code) == (403, "grant_required")
    assert (answer.json["capability"], answer.json["owners"]) == ("memory.read", [alice.id])
    assert '"namespace": "project.*"' in answer.json["detail"]


def test_the_refusal_names_no_key_that_the_caller_did_not_name(alice: Agent, bob: Agent) -> None:
    written(alice, "project.secret-name")

    assert "secret" not in str(bob.get("memory?namespace=project").json)


def test_part_of_a_namespace_that_may_be_read_is_no_refusal(alice: Agent, bob: Agent) -> None:
    written(alice, "project.name", "project.api.v1")
    alice.grant(bob, "memory.read", "project.name")

    assert keys_in(bob.get("memory?namespace=project")) == ["project.name"]
    assert bob.get("memory?namespace=project.api").status == 403


def test_an_empty_namespace_is_an_empty_list(alice: Agent, bob: Agent) -> None:
    written(alice, "project.name")

    assert keys_in(bob.get("memory?namespace=nothing")) == []
    assert keys_in(bob.get("memory?namespace=project.none")) == []


def test_it_takes_only_its_own_realm(alice: Agent) -> None:
    written(alice, "p.1")

    assert keys_in(alice.get("memory?realm=default")) == ["p.1"]
    answer = alice.get("memory?realm=other")
    assert (answer.status, answer.code) == (403, "realm_access_denied")


@cases(
    "namespace",
    ["", ".", "project.", ".project", "a..b", "a.*", "*", "a%20b", "a%0A", "%C3%A4", "a/b", "a" * 256],
)
def test_a_namespace_that_is_no_key_is_refused(alice: Agent, namespace: str) -> None:
    answer = alice.get(f"memory?namespace={namespace}")

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/namespace"


def test_an_unknown_parameter_is_named(alice: Agent) -> None:
    answer = alice.get("memory?namespaces=project")

    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/namespaces")


def test_nothing_of_another_realm_shows(alice: Agent, mallory: Agent) -> None:
    written(alice, "project.name")

    assert keys_in(mallory.get("memory")) == []
    assert keys_in(mallory.get("memory?namespace=project")) == []

    assert write(mallory, {"project.name": "mine"}).status == 200
    assert [entry["value"] for entry in alice.get("memory?namespace=project").json["entries"]] == [1]
    assert [entry["value"] for entry in mallory.get("memory?namespace=project").json["entries"]] == ["mine"]


def test_reading_changes_nothing(alice: Agent, bob: Agent) -> None:
    written(alice, "p.1")
    before = stored()

    alice.get("memory")
    bob.get("memory?namespace=p")

    assert stored() == before


def test_a_key_of_several_sessions_has_to_say_which_one_reads(alice: Agent, bob: Agent) -> None:
    assert alice.get("memory").status == 200

    assert alice.get("memory", headers={"X-AISP-Session": ""}).code == "session_required"
