"""`python -m tests.faults.founding REALM…`: prepare the database that the environment names.

One process for what takes several of `manage.py`, each of which would load all of the hub again. It prints
a key without limits for each realm, in a JSON object.
"""

import io
import json
import os
import sys

import django
from django.core.management import call_command

OWNER = "owner@example.com"
UNLIMITED = ("--reads-per-minute", "unlimited", "--writes-per-minute", "unlimited")


def main() -> None:
    """Migrate, and make the realms and their keys."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    keys = {}
    for realm in sys.argv[1:]:
        # What it prints is the owner's first password.
        call_command("realm", "create", realm, "--owner", OWNER, stdout=io.StringIO(), stderr=io.StringIO())
        printed = io.StringIO()
        of = ("--realm", realm, "--owner", OWNER)
        call_command("apikey", "issue", *of, "--name", "faults", *UNLIMITED, stdout=printed)
        keys[realm] = printed.getvalue().strip()
    print(json.dumps(keys))


if __name__ == "__main__":
    main()
