"""What tests of messages share."""

import pytest

from tests.messages.world import World, new_world


@pytest.fixture
def worlds() -> tuple[World, World]:
    """Two worlds that are alike."""
    return new_world("one"), new_world("two")
