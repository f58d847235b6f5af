"""Who presents tokens: agents that have key pairs, and the clock of the caches."""

import pytest

from hub.tokens import verifier
from realms import identity
from tests.cast import new_key, new_realm
from tests.clock import Clock
from tests.tokens.signing import Signer


@pytest.fixture
def signer(key: str) -> Signer:
    """A session of Alice's key that signs its own tokens."""
    return Signer(key, "signer")


@pytest.fixture
def sibling(key: str) -> Signer:
    """Another session of the same key that does."""
    return Signer(key, "sibling")


@pytest.fixture
def foreigner(db: None) -> Signer:
    """A session of Mallory's realm that does."""
    return Signer(new_key(new_realm("mallory"))[1], "foreigner")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the cache of keys and of that of tokens."""
    clock = Clock()
    monkeypatch.setattr(identity, "time", clock)
    monkeypatch.setattr(verifier, "time", clock)
    return clock
