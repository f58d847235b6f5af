"""Fixtures of the matrix."""

import pytest

from tests.isolation.worlds import World, new_world
from tests.rows import forget_credentials


@pytest.fixture
def world(db: None) -> World:
    """Alice's realm full of canaries, mallory's of the same shape, and callers of all kinds."""
    made = new_world()
    forget_credentials()
    return made
