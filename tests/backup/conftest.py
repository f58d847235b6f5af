"""Fixtures: the tale of a hub that came back from a backup."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.backup import places, tale
from tests.backup.tale import Tale


@pytest.fixture(scope="session")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tale]:
    """The tale, on SQLite or on PostgreSQL, as the tests run; the hub that came back is serving."""
    folder = tmp_path_factory.mktemp("tale")
    if settings.HUB_EMBEDDED:
        lost, place = places.data_folder(folder / "lost"), places.data_folder(folder / "place")
        with tale.told(lost, place, folder / "hub.tar", folder) as happened:
            yield happened
    else:
        with (
            places.database() as lost,
            places.database() as place,
            tale.told(lost, place, folder / "hub.dump", folder) as happened,
        ):
            yield happened
