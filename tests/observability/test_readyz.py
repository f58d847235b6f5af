"""Whether requests are to be sent here."""

import socket
import time
from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries, Settings

from hub import health
from tests.client import Client

pytestmark = pytest.mark.django_db


def ready() -> tuple[int, str]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.content.decode().strip()


@pytest.fixture
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_is_migrated", False)


def test_a_migrated_database_is_ready(asked_anew: None) -> None:
    assert ready() == (200, "ready")


def test_one_that_lacks_a_migration_is_not(asked_anew: None) -> None:
    with connection.cursor() as cursor:
        newest = "SELECT max(name) FROM django_migrations WHERE app = 'hub'"
        cursor.execute(f"DELETE FROM django_migrations WHERE app = 'hub' AND name = ({newest})")

    assert ready() == (503, "the database lacks migrations: run manage.py migrate")


def test_one_that_has_more_is_since_a_newer_hub_may_be_on_its_way(asked_anew: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('hub', '9999_later', CURRENT_TIMESTAMP)"
        )

    assert ready() == (200, "ready")


@pytest.fixture(params=["gone", "silent"])
def redis_away(request: pytest.FixtureRequest, settings: Settings) -> Iterator[None]:
    """A Redis that refuses connections, or takes them and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "silent":
            listener.listen()
        settings.HUB_REDIS_URL = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        yield


def test_without_redis_it_is_ready_and_says_so_soon(redis_away: None) -> None:
    began = time.monotonic()

    assert ready() == (200, "ready, degraded: Redis does not answer")
    assert time.monotonic() - began < 2


def test_a_process_that_answers_is_alive_whatever_is_away(
    redis_away: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert Client().get("/livez").content == b"alive\n"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_probes_ask_by_whatever_address(path: str) -> None:
    assert Client().get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200
