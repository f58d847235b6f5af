"""A limit of refused credentials that a test can run into."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache
from pytest_django import Settings

from hub.api import limits


@contextmanager
def refusals_allowed(settings: Settings, number: int) -> Iterator[None]:
    """Allow an address this many refused credentials a minute, and none counted before or after."""
    settings.HUB_REFUSALS_PER_MINUTE = number
    _forget()
    yield
    _forget()


def _forget() -> None:
    cache.clear()
    limits._noted.clear()
