"""Fixtures: the people of Alice's realm."""

import pytest

from accounts.models import User
from realms.members.models import Role
from realms.models import Realm
from tests.members.people import joined


@pytest.fixture
def adam(realm: Realm) -> User:
    """Adam, an admin of Alice's realm."""
    return joined(realm, "adam", Role.ADMIN)


@pytest.fixture
def vera(realm: Realm) -> User:
    """Vera, a viewer of Alice's realm."""
    return joined(realm, "vera", Role.VIEWER)
