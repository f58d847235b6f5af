"""The hub's command line: `manage.py` in a checkout, `aisp-hub` where the wheel is installed."""

import os
import sys

from hub.version import VERSION


def main() -> None:
    """Run the command that `sys.argv` names; a setting that cannot be is said in a line, without a traceback.

    `version` is not left to Django, which answers that name with its own version before it looks for a
    command. By itself it needs no settings, so that a hub that does not start can be asked too.
    """
    if sys.argv[1:] in (["version"], ["--version"]):
        sys.stdout.write(f"AISP Hub {VERSION}\n")
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import ManagementUtility

    utility = ManagementUtility()
    try:
        if sys.argv[1:2] == ["version"]:
            django.setup()
            utility.fetch_command("version").run_from_argv(sys.argv)
        else:
            utility.execute()
    except ImproperlyConfigured as error:
        sys.exit(str(error))
