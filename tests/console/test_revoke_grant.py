"""A grant is ended in the console, in its grantor's place."""

from realms.models import AuditEvent
from tests.cast import Agent
from tests.console.people import Person
from tests.grants.lives import age, grant_in, kept
from tests.memory.entries import written


def test_an_active_grant_is_revoked_after_a_look(admin: Person, alice: Agent, bob: Agent) -> None:
    written(bob, "project.name")
    grant_id = grant_in("active", alice, bob)
    assert "project.*" in admin.get("realm-grant-revoke", grant_id).content.decode()
    assert alice.get("memory/project.name").status == 200

    assert admin.post("realm-grant-revoke", grant_id).status_code == 302

    assert alice.get("memory/project.name").code == "grant_required"
    logged = AuditEvent.objects.get(action="grant.revoked")
    assert (logged.actor, logged.details["on_behalf_of"]) == (admin.user.email, bob.id)


def test_what_has_ended_is_not_revoked_again(admin: Person, alice: Agent, bob: Agent) -> None:
    grant_id = grant_in("active", alice, bob)
    age(grant_id)
    before = kept()

    assert admin.get("realm-grant-revoke", grant_id).status_code == 409
    assert admin.post("realm-grant-revoke", grant_id).status_code == 409

    assert kept() == before
