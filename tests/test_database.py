"""The database as its URL names it, and the connections to it."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.db.backends.postgresql import base

from config.database import database
from hub.postgresql.base import TRUSTED_SECONDS
from hub.sessions.models import Session
from hub.sqlite.base import writing
from tests.cast import Agent


def test_options_in_the_url_hold_beside_the_hubs_own() -> None:
    options = database("postgres://hub:secret@db.internal/hub?sslmode=verify-full")["OPTIONS"]

    assert options["sslmode"] == "verify-full"
    assert (options["server_side_binding"], options["connect_timeout"]) == (True, 2)


def test_they_may_differ_from_the_hubs_own() -> None:
    assert database("postgres://db.internal/hub?connect_timeout=5")["OPTIONS"]["connect_timeout"] == 5


def test_none_is_prepared_for_a_pooler_that_knows_no_prepared_statements() -> None:
    options = database("postgres://db.internal/hub?prepare_threshold=None")["OPTIONS"]

    assert options["prepare_threshold"] is None


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_connection_that_worked_just_now_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connection.is_usable()
    asked: list[bool] = []
    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", lambda _: asked.append(True))

    assert connection.is_usable()
    assert not asked
    monkeypatch.setattr(connection, "_worked_at", time.monotonic() - TRUSTED_SECONDS - 1)
    connection.is_usable()
    assert asked


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_has_closed_is_known_at_once() -> None:
    assert connection.is_usable()
    pid = connection.connection.info.backend_pid
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    assert not connection.is_usable()
    connection.close()


@pytest.fixture
def on_sqlite(is_postgresql: bool, transactional_db: None) -> None:
    """Skip the test on PostgreSQL, which has no queue."""
    if is_postgresql:
        pytest.skip("SQLite's")


@pytest.mark.parametrize("error", [None, ValueError, DatabaseError])
def test_on_sqlite_a_transaction_has_its_turn_and_gives_it_back(
    on_sqlite: None, error: type[Exception] | None
) -> None:
    with contextlib.suppress(ValueError, DatabaseError), transaction.atomic():
        assert writing.locked()
        with transaction.atomic():
            Session.objects.filter(name="nobody").update(name="x")
        if error:
            raise error

    assert not writing.locked()


def test_on_sqlite_a_connection_that_is_closed_gives_its_turn_back(on_sqlite: None) -> None:
    with contextlib.suppress(DatabaseError), transaction.atomic():
        connection.close()

    assert not writing.locked()


def test_on_sqlite_writers_wait_for_their_turn_and_all_get_it(on_sqlite: None, alice: Agent) -> None:
    def write(number: int) -> None:
        try:
            with transaction.atomic():
                [session] = Session.objects.filter(pk=alice.id)
                session.capabilities.append(str(number))
                session.save()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(40)))

    assert set(map(str, range(40))) <= set(Session.objects.get(pk=alice.id).capabilities)
    assert not writing.locked()
