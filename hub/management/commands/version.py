"""`manage.py version`: which hub this is, and for a report of a fault what it runs on."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from hub.version import VERSION

PACKAGES = ("celery", "channels", "djangorestframework", "msgspec", "psycopg", "redis", "uvicorn")


class Command(BaseCommand):
    """Say the version; with `--verbosity 2` also what it runs on, and nothing that is secret."""

    help = "Say the version of the hub; with --verbosity 2 also what it runs on, for a report of a fault."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"AISP Hub {VERSION}")
        if options["verbosity"] < 2:
            return
        for name, value in _surroundings():
            self.stdout.write(f"{name:20} {value}")


def _surroundings() -> list[tuple[str, str]]:
    """Return names and versions of what the hub runs on: no address, no name of a host or a person."""
    return [
        ("mode", "embedded" if settings.HUB_EMBEDDED else "hosted"),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("database", _database()),
        ("redis", "configured" if settings.HUB_REDIS_URL else "none"),
        *((name, _installed(name)) for name in ("django", *PACKAGES)),
    ]


def _database() -> str:
    try:
        number = ".".join(map(str, connection.get_database_version()))
    except DatabaseError as error:
        # Its text names the host and the user.
        number = f"did not answer ({type(error).__name__})"
    return f"{connection.display_name} {number}"


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
