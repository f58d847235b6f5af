"""GET /memory."""

import base64
from datetime import timedelta

import pytest
from django.utils import timezone

from hub.grants.models import Grant
from tests.cast import Agent
from tests.memory.entries import REFERENCE, keys_in, stored, write, written
from tests.paging import cursor_of, next_path, pages_of


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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


def test_pages_follow_each_other_to_the_end(alice: Agent) -> None:
    expected = [f"p.{i:03}" for i in range(25)]
    written(alice, *reversed(expected), "q.1")

    pages = pages_of(alice, "memory?namespace=p&limit=10", "entries")

    assert [len(page) for page in pages] == [10, 10, 5]
    assert [entry["key"] for page in pages for entry in page] == expected


def test_a_page_that_is_just_full_is_the_last(alice: Agent) -> None:
    written(alice, *(f"p.{i}" for i in range(5)))

    assert next_path(alice.get("memory?limit=5")) is None
    assert next_path(alice.get("memory?limit=4")) is not None


def test_by_default_a_page_has_a_hundred_entries(alice: Agent) -> None:
    written(alice, *(f"p.{i}" for i in range(100)))
    written(alice, "q")

    assert [len(page) for page in pages_of(alice, "memory", "entries")] == [100, 1]
    assert [len(page) for page in pages_of(alice, "memory?limit=500", "entries")] == [101]


def test_pages_hold_only_what_may_be_read(alice: Agent, bob: Agent) -> None:
    written(alice, *(f"p.open.{i}" for i in range(3)), *(f"p.private.{i}" for i in range(3)))
    written(bob, "q.1")
    alice.grant(bob, "memory.read", "p.open.*")

    pages = pages_of(bob, "memory?limit=2", "entries")

    assert [entry["key"] for page in pages for entry in page] == ["p.open.0", "p.open.1", "p.open.2", "q.1"]


def test_what_is_written_between_two_pages_neither_repeats_nor_hides_an_entry(alice: Agent) -> None:
    written(alice, "p.2", "p.4", "p.6")
    first = alice.get("memory?limit=2")

    written(alice, "p.1", "p.5")
    alice.delete("memory/p.4")

    following = next_path(first)
    assert following is not None
    assert keys_in(alice.get(following)) == ["p.5", "p.6"]


@pytest.mark.parametrize("limit", ["0", "501", "-1", "ten", "1.5", ""])
def test_a_limit_out_of_range_is_refused(alice: Agent, limit: str) -> None:
    answer = alice.get(f"memory?limit={limit}")

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/limit"


def test_a_cursor_that_was_tampered_with_is_refused(alice: Agent) -> None:
    written(alice, "p.1", "p.2", "p.3")
    cursor = cursor_of(alice.get("memory?limit=1"))
    assert keys_in(alice.get(f"memory?cursor={cursor}")) == ["p.2", "p.3"]

    position, _, signature = cursor.partition(":")
    other = base64.urlsafe_b64encode(b"p.0").decode().rstrip("=")
    swapped = signature[:-1] + ("a" if signature[-1] != "a" else "b")
    for forged in (f"{other}:{signature}", f"{position}:{swapped}", position, "", "x", "%00", "%C3%A9:x"):
        answer = alice.get(f"memory?cursor={forged}")
        assert (answer.status, answer.json["code"][:8]) == (400, "invalid_"), forged


@pytest.mark.parametrize(
    "query", ["memory?", "memory?namespace=q&", "memory?namespace=p.x&", "memory?namespace=p&realm=default&"]
)
def test_a_cursor_of_another_query_is_refused(alice: Agent, query: str) -> None:
    written(alice, "p.1", "p.2", "q.1", "p.x.1")
    cursor = cursor_of(alice.get("memory?namespace=p&limit=1"))
    assert alice.get(f"memory?namespace=p&cursor={cursor}").status == 200

    answer = alice.get(f"{query}cursor={cursor}")

    assert (answer.status, answer.code) == (400, "invalid_cursor")


def test_a_cursor_of_another_realm_or_list_is_refused(alice: Agent, mallory: Agent) -> None:
    for agent in (alice, mallory):
        written(agent, "p.1", "p.2")
    cursor = cursor_of(alice.get("memory?limit=1"))
    assert alice.get(f"memory?cursor={cursor}").status == 200

    assert mallory.get(f"memory?cursor={cursor}").code == "invalid_cursor"
    assert alice.get(f"grants?cursor={cursor}").code == "invalid_cursor"


def test_it_takes_only_its_own_realm(alice: Agent) -> None:
    written(alice, "p.1")

    assert keys_in(alice.get("memory?realm=default")) == ["p.1"]
    answer = alice.get("memory?realm=other")
    assert (answer.status, answer.code) == (403, "realm_access_denied")


@pytest.mark.parametrize(
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
