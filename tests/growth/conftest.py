"""Fixtures of the tests that fill tables."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from hub.postgresql import driver


@pytest.fixture(scope="module", autouse=True)
def _swept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Have PostgreSQL forget the rows that other tests left dead, and afterwards those of these tests."""
    with django_db_blocker.unblock():
        _vacuum()
        yield
        _vacuum()


def _vacuum() -> None:
    with pytest.MonkeyPatch.context() as patched, connection.cursor() as cursor:
        patched.setattr(driver, "_limit_seconds", None)  # a slow disk takes longer than a request may
        cursor.execute("VACUUM ANALYZE")
