"""Which tests run: markers that ask for a database, and a part of the tests for the other one."""

import pytest
from django.conf import settings

# A test without any of these never asks the database that the tests run on.
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "restored"}


def _asks_the_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(fixtures & DATABASE_FIXTURES or item.get_closest_marker("django_db"))


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs something else; with `--only-database`, leave out what never asks the database."""
    is_there = {
        "postgres": "postgresql" in settings.DATABASES["default"]["ENGINE"],
        "sqlite": settings.HUB_EMBEDDED,
        "redis": hasattr(settings, "CHANNEL_LAYERS"),
    }
    for name in (name for name, there in is_there.items() if not there):
        for item in items:
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=f"needs {name}"))
    if config.getoption("--only-database"):
        kept = [item for item in items if _asks_the_database(item) or item.get_closest_marker("sqlite")]
        config.hook.pytest_deselected(items=list(set(items) - set(kept)))
        items[:] = kept
