"""Fixtures: the cast (see `tests.cast`), and what the tests need of the machine."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import TransactionTestCase

from hub.activity import rules as activity
from hub.live.lifespan import spare_the_collector
from realms.models import Realm
from tests.cast import Agent, new_agent, new_key, new_realm
from tests.client import Client
from tests.distribution import Distribution
from tests.emptying import empty_database
from tests.live.server import server
from tests.rows import forget_credentials
from tests.selection import select
from tests.slowest import Slowest

__all__ = ["server"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew-slowest", action="store_true", help="write tests/slowest.txt anew")
    parser.addoption(
        "--only-database", action="store_true", help="leave out what is the same on every database"
    )


def pytest_configure(config: pytest.Config) -> None:
    is_worker = hasattr(config, "workerinput")
    config.pluginmanager.register(Slowest(renews=config.getoption("--renew-slowest") and not is_worker))
    if config.getoption("dist", "no") != "no" and not is_worker:
        config.pluginmanager.register(Distribution())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    select(config, items)


def pytest_collection_finish() -> None:
    """Treat what was imported as a server's process does, which saves a tenth of the run's time."""
    spare_the_collector()


@pytest.fixture(scope="session", autouse=True)
def _emptied_by_delete() -> Iterator[None]:
    """Have tests with `transaction=True` delete what they committed, instead of flushing all tables."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", empty_database)
        yield


@pytest.fixture(autouse=True)
def _fresh_key_cache() -> Iterator[None]:
    """A key of one test is none of the next, whose database it is not in."""
    forget_credentials()
    yield
    forget_credentials()


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    """What one test's requests counted is not written by another."""
    activity._counts.begin_anew()


@pytest.fixture
def client() -> Client:
    """A browser that nobody has signed in with; in the place of pytest-django's, which knows no exchange."""
    return Client()


@pytest.fixture
def realm(db: None) -> Realm:
    """Alice's realm `default`."""
    return new_realm("alice")


@pytest.fixture
def key(realm: Realm) -> str:
    """The plaintext of a key of Alice's realm, with both scopes."""
    return new_key(realm)[1]


@pytest.fixture
def caller(key: str) -> Agent:
    """Somebody with Alice's key who acts as no session in particular."""
    return Agent(key)


@pytest.fixture
def alice(key: str) -> Agent:
    """The agent `alice`."""
    return new_agent(key, "alice", capabilities=["delegate.receive"])


@pytest.fixture
def bob(key: str) -> Agent:
    """The agent `bob`, of the same realm and key as alice, who takes delegated work."""
    return new_agent(key, "bob", "executor", capabilities=["delegate.receive", "memory.read"])


@pytest.fixture
def charlie(realm: Realm) -> Agent:
    """The agent `charlie`, of the same realm but another key."""
    return new_agent(new_key(realm)[1], "charlie", "observer")


@pytest.fixture
def mallory(db: None) -> Agent:
    """The agent `mallory` of another realm, also named `default`."""
    return new_agent(new_key(new_realm("mallory"))[1], "mallory", capabilities=["delegate.receive"])


@pytest.fixture
def is_postgresql() -> bool:
    """Whether the tests run on PostgreSQL."""
    return connection.vendor == "postgresql"
