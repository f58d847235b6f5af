"""The database as its URL names it, and the connections to it."""

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from config.database import database
from hub.live import database as live_database
from hub.live.database import in_tailer_thread
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


def have_to_ask() -> None:
    """Have so much time passed that the connection has to be asked whether it works."""
    backend: Any = connection
    backend._asked_at = time.monotonic() - TRUSTED_SECONDS - 1


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_connection_that_worked_just_now_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    have_to_ask()
    assert connection.is_usable()
    asked: list[str] = []
    monkeypatch.setattr(psycopg.Connection, "execute", lambda _, query, **__: asked.append(query))

    assert connection.is_usable()
    assert not asked
    have_to_ask()
    connection.is_usable()
    assert asked


@pytest.mark.postgres
@pytest.mark.django_db
def test_plans_of_empty_tables_do_not_stay_when_the_tables_are_full() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE number (id int PRIMARY KEY)")
        cursor.execute("ANALYZE number")
        cursor.execute("PREPARE one (int) AS SELECT id FROM number WHERE id = $1")

        def plan() -> str:
            cursor.execute("EXPLAIN EXECUTE one(1)")
            return str(cursor.fetchall()[0][0])

        plans = [plan() for _ in range(6)]
        cursor.execute("INSERT INTO number SELECT generate_series(1, 10000)")
        kept = plan()
        have_to_ask()
        assert connection.is_usable()

        assert all("Seq Scan" in each for each in [*plans, kept])
        assert "Index" in plan() or "Bitmap" in plan()


def have_the_server_close_it() -> None:
    """Have the server end this thread's connection."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_has_closed_is_known_at_once() -> None:
    have_the_server_close_it()

    assert not connection.is_usable()
    connection.close()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_tailer_works_on_when_the_server_has_closed_its_connection() -> None:
    async def work() -> int:
        await in_tailer_thread(have_the_server_close_it)
        return await in_tailer_thread(Session.objects.count)

    with ThreadPoolExecutor(1) as thread, pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_database, "_tailer_threads", thread)
        assert asyncio.run(work()) == 0
        thread.submit(lambda: connection.close()).result()


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
