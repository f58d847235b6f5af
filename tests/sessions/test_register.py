"""POST /sessions."""

from typing import Any

import pytest

from hub.memory.models import MemoryNamespace
from hub.sessions.models import Session
from tests.cases import cases
from tests.cast import Agent

# The reference's own request, with a real key in the place of the abbreviated one.
REFERENCE: dict[str, Any] = {
    "name": "my-agent",
    "kind": "interactive",
    "realm": "default",
    "capabilities": ["memory.read", "memory.write", "delegate.receive"],
    "public_key": "ed25519:MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
}
RAW_KEY = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def test_it_answers_as_the_reference_shows(caller: Agent) -> None:
    answer = caller.post("sessions", REFERENCE)

    assert answer.status == 200
    assert set(answer.json) == {"id", "name", "kind", "realm", "status", "created_at"}
    assert answer.json["id"].startswith("sess_")
    assert (answer.json["name"], answer.json["kind"]) == ("my-agent", "interactive")
    assert (answer.json["realm"], answer.json["status"]) == ("default", "active")
    assert len(answer.json["created_at"]) == len("2026-04-06T09:00:00.123456Z")


def test_what_was_said_can_be_read_back(caller: Agent) -> None:
    manifest = {"model": "m-1", "limits": {"context": 1e308, "zero": -0.0}, "b": 1, "a": 2}
    registered = caller.post("sessions", {**REFERENCE, "manifest": manifest})

    got = caller.get(f"sessions/{registered.json['id']}")

    assert got.json["capabilities"] == REFERENCE["capabilities"]
    assert got.json["public_key"] == REFERENCE["public_key"]
    assert got.json["manifest"] == manifest
    assert list(got.json["manifest"]) == list(manifest)
    assert got.json["connected"] is False


def test_only_name_and_kind_are_needed(caller: Agent) -> None:
    registered = caller.post("sessions", {"name": "a", "kind": "service"})

    got = caller.get(f"sessions/{registered.json['id']}").json
    assert (got["capabilities"], got["public_key"], got["manifest"]) == ([], None, {})


def test_a_raw_public_key_is_taken(caller: Agent) -> None:
    assert caller.post("sessions", {**REFERENCE, "public_key": RAW_KEY}).status == 200


@pytest.mark.parametrize("taken", ["my-agent", "MY-AGENT", "My-Agent"])
def test_a_name_is_unique_whatever_its_case(caller: Agent, taken: str) -> None:
    assert caller.post("sessions", REFERENCE).status == 200

    answer = caller.post("sessions", {**REFERENCE, "name": taken})

    assert (answer.status, answer.code) == (409, "session_name_taken")
    assert Session.objects.count() == 1


def test_the_name_of_a_deregistered_session_is_free(caller: Agent) -> None:
    first = caller.post("sessions", REFERENCE).json["id"]
    assert caller.delete(f"sessions/{first}").status == 200

    assert caller.post("sessions", REFERENCE).json["id"] != first


def test_another_realm_may_use_the_same_name(caller: Agent, mallory: Agent) -> None:
    assert caller.post("sessions", REFERENCE).status == 200
    assert mallory.post("sessions", REFERENCE).status == 200


def test_a_realm_that_is_not_the_keys_is_refused(caller: Agent) -> None:
    answer = caller.post("sessions", {**REFERENCE, "realm": "other"})

    assert (answer.status, answer.code) == (403, "realm_access_denied")
    assert not Session.objects.exists()


def test_it_inherits_the_namespaces_of_its_predecessor(caller: Agent) -> None:
    first = caller.post("sessions", REFERENCE).json["id"]
    written = {"entries": [{"key": "project.name", "value": 1}]}
    assert caller.post("memory", written).status == 200
    caller.delete(f"sessions/{first}")

    second = caller.post("sessions", {**REFERENCE, "name": "MY-agent"}).json["id"]

    assert MemoryNamespace.objects.get().owner_id == second
    assert caller.get("memory").json["entries"][0]["owner"] == second


def test_another_keys_session_of_the_same_name_inherits_nothing(caller: Agent, charlie: Agent) -> None:
    first = caller.post("sessions", REFERENCE).json["id"]
    caller.post("memory", {"entries": [{"key": "project.name", "value": 1}]})
    caller.delete(f"sessions/{first}")

    assert Agent(charlie.key).post("sessions", REFERENCE).status == 200

    assert MemoryNamespace.objects.get().owner_id == first


@cases(
    ("member", "value"),
    [
        ("name", ""),
        ("name", "-a"),
        ("name", "a b"),
        ("name", "a" * 65),
        ("name", "agent\n"),
        ("name", "ägent"),
        ("name", 1),
        ("name", None),
        ("kind", "Interactive"),
        ("kind", "a" * 33),
        ("kind", "kind\n"),
        ("capabilities", "memory.read"),
        ("capabilities", ["Memory.Read"]),
        ("capabilities", ["memory."]),
        ("capabilities", [f"c{i}" for i in range(65)]),
        ("public_key", "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
        ("public_key", "ed25519:"),
        ("public_key", "ed25519:not base64"),
        ("public_key", "ed25519:MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcH"),
        ("public_key", "ed25519:MCowBQYDK2VuAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
        ("public_key", "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("public_key", "ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("public_key", "ed25519:7P///////////////////////////////////////38="),
        ("public_key", "ed25519:JuiVj8KyJ7BFw/SJ8u+Y8NXfrAXTxjM5sTgCiG1T/AU="),
        ("public_key", "ed25519:xxdqcD1N2E+6PAt2DRBnDyogU/osOczGTsf9d5KsA3o="),
        ("public_key", "ed25519:AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("manifest", []),
        ("manifest", {"text": "x" * 16_384}),
    ],
)
def test_bad_input_is_refused_where_it_is(caller: Agent, member: str, value: Any) -> None:
    answer = caller.post("sessions", {**REFERENCE, member: value})

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"].startswith(f"/{member}")
    assert not Session.objects.exists()


@pytest.mark.parametrize("missing", ["name", "kind"])
def test_a_missing_member_is_named(caller: Agent, missing: str) -> None:
    body = {name: value for name, value in REFERENCE.items() if name != missing}

    answer = caller.post("sessions", body)

    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, f"/{missing}")


def test_all_unknown_members_are_named(caller: Agent) -> None:
    answer = caller.post("sessions", {**REFERENCE, "nmae": "x", "a/b": 1})

    assert answer.status == 400
    assert [error["pointer"] for error in answer.json["errors"]] == ["/nmae", "/a~1b"]
