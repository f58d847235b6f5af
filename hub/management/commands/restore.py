"""`manage.py restore`: a hub as it was when it was backed up."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from hub.backup import data_folder, postgresql
from hub.backup.fault import Fault
from hub.backup.here import data_folder_here, has_its_secret_key


class Command(BaseCommand):
    """Put a backup back, where there is no hub."""

    help = (
        "Restore a backup that `backup` made: on SQLite into the data directory, on PostgreSQL into an empty "
        "database. The hub must not run meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--force",
            action="store_true",
            help="on SQLite: even if there is a database, which is put aside; not while a hub runs on it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file = options["file"].absolute()
        try:
            if connection.vendor == "sqlite":
                here = data_folder_here()
                manifest = data_folder.put_back(file, here, force=options["force"])
                made = f"{manifest.made_at:%Y-%m-%d %H:%M:%S} UTC by AISP Hub {manifest.hub}"
                self.stdout.write(f"Restored into {here.folder} what was backed up at {made}.")
            elif options["force"]:
                raise Fault("--force is for SQLite. On PostgreSQL restore into a new, empty database.")
            else:
                postgresql.put_back(file, connection.settings_dict)
                self.stdout.write(f"Restored {file} into the database {connection.settings_dict['NAME']}.")
        except Fault as fault:
            raise CommandError(str(fault)) from None
        self.stdout.write("Run `manage.py migrate` before the hub serves; `manage.py up` does so itself.")
        if not has_its_secret_key():
            self.stderr.write(
                "SECRET_KEY is not that of the hub that was backed up: authenticator apps and kept answers "
                "cannot be read, and tokens and sign-ins end. Set the right one before the hub starts."
            )
