"""Fixtures of tests over real HTTP."""

from collections.abc import Iterator

import pytest

from realms.models import Realm
from tests.cast import new_agent, new_key, new_realm
from tests.live.client import WireAgent


@pytest.fixture
def realm(transactional_db: None) -> Realm:
    """Alice's realm, committed so that the server sees it."""
    return new_realm("alice")


@pytest.fixture
def key(realm: Realm) -> str:
    """A key of Alice's realm."""
    return new_key(realm)[1]


@pytest.fixture
def alice(server: str, key: str) -> Iterator[WireAgent]:
    """The agent `alice`, over HTTP."""
    with WireAgent(server, new_agent(key, "alice")) as agent:
        yield agent


@pytest.fixture
def bob(server: str, key: str) -> Iterator[WireAgent]:
    """The agent `bob`, over HTTP."""
    with WireAgent(server, new_agent(key, "bob", "executor")) as agent:
        yield agent
