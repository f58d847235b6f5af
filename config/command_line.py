"""The hub's command line: `manage.py` in a checkout, `aisp-hub` where the wheel is installed."""

import os
import sys

import django
from django.core.management import ManagementUtility

from hub.version import VERSION


def main() -> None:
    """Run the command that `sys.argv` names, with the hub's settings.

    `version` is not left to Django, which answers that name with its own version before it looks for a
    command. By itself it needs no settings, so that a hub that does not start can be asked too.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    utility = ManagementUtility()
    match sys.argv[1:]:
        case ["version"] | ["--version"]:
            sys.stdout.write(f"AISP Hub {VERSION}\n")
        case ["version", *_]:
            django.setup()
            utility.fetch_command("version").run_from_argv(sys.argv)
        case _:
            utility.execute()
