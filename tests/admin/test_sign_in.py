"""Signing in to the admin: a few attempts a minute from one address."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from hub.web_forms import ATTEMPTS_PER_MINUTE
from tests.cast import new_owner

LOGIN = "/admin/login/"


@pytest.fixture(autouse=True)
def no_attempts(db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def attempt(client: Client, password: str, **options: str) -> int:
    sent = {"username": "olivia@example.com", "password": password}
    return client.post(LOGIN, sent, **options).status_code  # type: ignore[arg-type]


def test_too_many_attempts_are_refused_right_ones_too(client: Client) -> None:
    olivia = new_owner("olivia")
    olivia.is_staff = True
    olivia.set_password("long enough")
    olivia.save()

    assert [attempt(client, "wrong") for _ in range(ATTEMPTS_PER_MINUTE)] == [200] * ATTEMPTS_PER_MINUTE
    answer = client.post(LOGIN, {"username": "olivia@example.com", "password": "long enough"})

    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 61
    assert "try again" in answer.content.decode()
    assert client.get(LOGIN).status_code == 200, "looking is free"
    assert attempt(client, "long enough", REMOTE_ADDR="192.0.2.7") == 302, "from elsewhere it works"
