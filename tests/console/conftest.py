"""Fixtures of the console: the people of Alice's realm, and one of another."""

import pytest

from realms.members.models import Role
from realms.models import Realm
from tests.cast import Agent
from tests.console.people import Person, new_member, signed_in


@pytest.fixture
def owner(realm: Realm) -> Person:
    """Alice, who owns the realm."""
    return signed_in(realm.owner, realm)


@pytest.fixture
def admin(realm: Realm) -> Person:
    """Adam, an admin of Alice's realm."""
    return new_member(realm, "adam", Role.ADMIN)


@pytest.fixture
def viewer(realm: Realm) -> Person:
    """Vera, who may look."""
    return new_member(realm, "vera", Role.VIEWER)


@pytest.fixture
def stranger(realm: Realm, mallory: Agent) -> Person:
    """Mallory, who owns another realm and asks for the pages of Alice's."""
    assert mallory.session is not None
    return signed_in(Realm.objects.get(pk=mallory.session.realm_id).owner, realm)
