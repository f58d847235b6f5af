"""Fixtures of the operators' admin."""

import pytest

from tests.accounts.person import new_person
from tests.admin.pages import Pages
from tests.cast import Agent


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
    return canary
