"""Fixtures of the operators' admin."""

import pytest

from realms.audit.actor import Actor
from realms.members.invitations import invite
from realms.members.models import Membership, Role
from realms.models import Realm
from tests.accounts.person import new_person
from tests.admin.pages import Pages
from tests.cast import Agent, new_owner


@pytest.fixture
def operator(db: None) -> Pages:
    """Olivia, who runs the hub, signed in to its admin."""
    olivia = new_person("olivia", is_staff=True, is_superuser=True)
    olivia.sign_in_with_second_factor()
    return Pages(olivia.browser)


@pytest.fixture
def busy(alice: Agent, bob: Agent, charlie: Agent) -> str:
    """A realm in which all kinds of things are; return the text that no page may show."""
    canary = "canary-7f3a"
    alice.send([bob, charlie], payload={"text": canary})
    alice.send(bob, payload={canary: 1})
    assert bob.post("memory", {"entries": [{"key": "project.name", "value": canary}]}).status == 200
    bob.grant(alice, "memory.read", "project.*")
    realm = Realm.objects.get()
    Membership.objects.create(realm=realm, user=new_owner("vera"), role=Role.VIEWER)
    invite(realm=realm, email="ines@example.com", role=Role.ADMIN, by=Actor.person(realm.owner))
    return canary
