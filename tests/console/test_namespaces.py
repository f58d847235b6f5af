"""Namespaces in the console: hand over, delete."""

from typing import Any

from hub.memory.models import MemoryEntry, MemoryNamespace
from realms.models import AuditEvent
from tests.cases import cases
from tests.cast import Agent
from tests.console.people import Person
from tests.memory.entries import stored, written


@cases("by", ["name", "name in capitals", "id", "id in small letters"])
def test_it_is_handed_to_a_session_by_name_or_id(admin: Person, alice: Agent, bob: Agent, by: str) -> None:
    written(alice, "project.name")
    said = {"name": "bob", "name in capitals": "BOB", "id": bob.id, "id in small letters": bob.id.lower()}

    answer = admin.post("realm-namespace-hand-over", "project", said={"to": said[by]})

    assert answer["Location"] == admin.path("realm-memory", prefix="project")
    assert MemoryNamespace.objects.get().owner_id == bob.id
    event = AuditEvent.objects.get(action="memory.namespace_handed_over")
    assert (event.actor, event.details) == (admin.user.email, {"from": alice.id, "to": bob.id})


@cases("to", ["", "nobody", "mallory", "gone", "alice", "b\0b", "x" * 300, "sess_01"])
def test_nobody_else_gets_it(
    admin: Person, alice: Agent, bob: Agent, charlie: Agent, mallory: Agent, to: str
) -> None:
    written(alice, "project.name")
    charlie.delete(f"sessions/{charlie.id}")
    before = stored()

    for said in {to, {"mallory": mallory.id, "gone": charlie.id}.get(to, to)}:
        answer = admin.post("realm-namespace-hand-over", "project", said={"to": said})
        assert answer.status_code == 400
        assert "to" in answer.context["form"].errors

    assert stored() == before
    assert admin.post("realm-namespace-hand-over", "project", said={"to": "bob"}).status_code == 302


def test_the_page_says_which_grants_stop_covering_it(owner: Person, alice: Agent, bob: Agent) -> None:
    written(alice, "project.name")
    for pattern in ("project", "project.*", "*", "other.*"):
        alice.grant(bob, "memory.read", pattern)

    answer = owner.get("realm-namespace-hand-over", "project")

    covering = answer.context["covering"]
    assert (covering.named, covering.everything) == (2, 1)
    assert "stop covering" in answer.content.decode()


def test_it_is_deleted_when_its_name_is_typed(admin: Person, alice: Agent) -> None:
    written(alice, "project.name", "project.stage", "other")
    before = stored()

    for wrong in ("", "projec", "Project"):
        answer = admin.post("realm-namespace-delete", "project", said={"name": wrong})
        assert answer.status_code == 400
    assert stored() == before
    answer = admin.post("realm-namespace-delete", "project", said={"name": "project"})

    assert answer["Location"] == admin.path("realm-memory")
    assert [entry.key for entry in MemoryEntry.objects.all()] == ["other"]
    event = AuditEvent.objects.get(action="memory.namespace_deleted")
    assert (event.actor, event.details["entries"]) == (admin.user.email, 2)


@cases("name", ["nothing", "secret", "a.b", "a%00", "x" * 300])
@cases(("route", "said"), [("hand-over", {"to": "alice"}), ("delete", {"name": "secret"})])
def test_what_is_not_there_is_not_found(
    owner: Person, alice: Agent, mallory: Agent, route: str, said: dict[str, Any], name: str
) -> None:
    written(mallory, "secret.b")
    before = stored()

    assert owner.get(f"realm-namespace-{route}", name).status_code == 404
    assert owner.post(f"realm-namespace-{route}", name, said=said).status_code == 404

    assert stored() == before
