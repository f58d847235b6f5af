"""The hub's command line: `manage.py` in a checkout, `aisp-hub` where it is installed."""

import os
import sys

from hub.version import VERSION


def main() -> None:
    """Run the command that the arguments name; a setting that cannot be is one line, not a traceback."""
    # Django answers these two with its own version, before it looks for a command.
    if sys.argv[1:2] in (["version"], ["--version"]):
        sys.stdout.write(f"AISP Hub {VERSION}\n")
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
