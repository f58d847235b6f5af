"""`manage.py backup`: a copy of all that the hub keeps, made while it serves."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from hub.backup import data_folder, postgresql
from hub.backup.fault import Fault
from hub.backup.here import data_folder_here, key_file


class Command(BaseCommand):
    """Write a backup, and print its name."""

    help = (
        "Back up the hub while it runs: on SQLite a tar of the database and the secret key, on PostgreSQL "
        "what pg_dump writes, without SECRET_KEY. Prints the file's name."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path", type=Path, help="a new file, or a folder, in which the file is named after the time"
        )
        parser.add_argument("--force", action="store_true", help="replace the file if it is there")

    def handle(self, *args: Any, **options: Any) -> None:
        on_sqlite = connection.vendor == "sqlite"
        target = _file(options["path"], data_folder.SUFFIX if on_sqlite else postgresql.SUFFIX)
        try:
            if on_sqlite:
                here, with_key = data_folder_here(), key_file() is not None
                data_folder.back_up(here, target, with_key=with_key, force=options["force"])
            else:
                with_key = False
                postgresql.back_up(connection.settings_dict, target, force=options["force"])
        except Fault as fault:
            raise CommandError(str(fault)) from None
        self.stdout.write(str(target))
        self.stderr.write(
            "The hub's secret key is in it: whoever can read it can act as the hub."
            if with_key
            else "SECRET_KEY and SECRET_KEY_FALLBACKS are not in it: keep them too, in another place."
        )


def _file(path: Path, suffix: str) -> Path:
    path = path.absolute()
    return path / f"aisp-hub-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{suffix}" if path.is_dir() else path
