"""Deregistering a session in the console: what ends is shown, and the name typed."""

from typing import Any

from realms.models import AuditEvent
from tests.cases import cases
from tests.cast import Agent
from tests.console.people import Person
from tests.grants.lives import asked
from tests.memory.entries import written
from tests.rows import open_stream, status_of

PAGE = "realm-session-deregister"


def test_the_page_counts_what_ends(admin: Person, alice: Agent, bob: Agent) -> None:
    asked(bob, alice)
    bob.inbox()
    alice.send(bob)
    alice.send(bob)
    open_stream(bob)
    written(bob, "project.name")

    ends = admin.get(PAGE, bob.id).context["ends"]

    assert (ends.unread, ends.grants, ends.streams, ends.namespaces) == (2, 1, 1, 1)
    assert status_of(bob) == "active"


def test_a_session_ends_when_its_name_is_typed(admin: Person, alice: Agent, bob: Agent) -> None:
    answer = admin.post(PAGE, bob.id, said={"name": "bob"})

    assert (answer.status_code, answer["Location"]) == (302, admin.path("realm-session", bob.id))
    assert (status_of(bob), status_of(alice)) == ("deregistered", "active")
    event = AuditEvent.objects.latest("number")
    assert (event.action, event.target, event.actor) == ("session.deregistered", bob.id, admin.user.email)


@cases("said", [{}, {"name": ""}, {"name": "alice"}, {"name": "b\0b"}], ids=str)
def test_another_name_ends_nothing(admin: Person, bob: Agent, said: dict[str, Any]) -> None:
    assert admin.post(PAGE, bob.id, said=said).status_code in (200, 400)
    assert status_of(bob) == "active"


def test_what_has_ended_does_not_end_again(admin: Person, bob: Agent) -> None:
    assert admin.post(PAGE, bob.id, said={"name": "bob"}).status_code == 302
    events = AuditEvent.objects.count()

    assert admin.post(PAGE, bob.id, said={"name": "bob"}).status_code == 404
    assert admin.get(PAGE, bob.id).status_code == 404
    assert AuditEvent.objects.count() == events


def test_a_viewer_ends_nothing(viewer: Person, bob: Agent) -> None:
    assert viewer.get(PAGE, bob.id).status_code == 403
    assert viewer.post(PAGE, bob.id, said={"name": "bob"}).status_code == 403
    assert status_of(bob) == "active"
