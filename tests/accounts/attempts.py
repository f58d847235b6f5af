"""Attempts to sign in and the like, which are counted."""

import uuid

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def no_attempts(settings: Settings) -> None:
    """A cache of one's own: attempts of other tests, or of a run before, do not count."""
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": uuid.uuid4().hex}}
