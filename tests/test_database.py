"""The database as its URL names it, and the connections to it."""

import time

import psycopg
import pytest
from django.db import connection
from django.db.backends.postgresql import base

from config.database import database
from hub.postgresql.base import TRUSTED_SECONDS


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
