"""Fixtures of the account pages: people, open sign-up, and no attempts counted before."""

import time
from collections.abc import Iterator

import pytest
import time_machine
from pytest_django import Settings

from tests.accounts.attempts import no_attempts
from tests.accounts.person import Person, new_person

__all__ = ["no_attempts"]


@pytest.fixture(autouse=True)
def anybody_may_sign_up(settings: Settings) -> None:
    settings.HUB_OPEN_SIGN_UP = True


@pytest.fixture
def alice(db: None) -> Person:
    """Alice, who has an account."""
    return new_person("alice")


@pytest.fixture
def bob(db: None) -> Person:
    """Bob, who has an account too."""
    return new_person("bob")


@pytest.fixture
def zoe(db: None) -> Person:
    """Zoe, who has none."""
    return Person("zoe@example.com")


@pytest.fixture
def still() -> Iterator[None]:
    """Time stands, so that a code is good until it is sent."""
    with time_machine.travel(time.time(), tick=False):
        yield


@pytest.fixture
def hosted(settings: Settings) -> None:
    """The hosted service, whose operators need a second factor."""
    settings.HUB_EMBEDDED = False
