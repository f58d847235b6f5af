"""Which databases this hub knows, by their migrations."""

import pytest
from django.db.migrations.loader import MigrationLoader
from pytest_django import Settings

from hub.backup.fault import Fault
from hub.backup.schema import see_that_it_is_known


def test_one_of_this_version_is_known() -> None:
    see_that_it_is_known(sorted(MigrationLoader(None).disk_migrations), of="it")


def test_one_of_a_version_before_is_known() -> None:
    see_that_it_is_known([("hub", "0001_initial")], of="it")


@pytest.mark.parametrize("migration", [("hub", "9999_from_tomorrow"), ("tomorrow", "0001_initial")])
def test_one_of_a_later_version_is_not(migration: tuple[str, str]) -> None:
    with pytest.raises(Fault, match=f"has the migration {'.'.join(migration)}, which this hub does not have"):
        see_that_it_is_known([("hub", "0001_initial"), migration], of="it")


def test_one_without_any_is_no_hubs() -> None:
    with pytest.raises(Fault, match="without tables of a hub"):
        see_that_it_is_known([], of="it")


def test_migrations_that_were_squashed_since_are_known(settings: Settings) -> None:
    settings.MIGRATION_MODULES = {"hub": "tests.backup.squashed"}
    see_that_it_is_known([("hub", "0001_initial"), ("hub", "0002_tokens_and_idempotency")], of="it")

    with pytest.raises(Fault, match="0003_tallies"):
        see_that_it_is_known([("hub", "0003_tallies")], of="it")
