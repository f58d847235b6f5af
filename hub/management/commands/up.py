"""`manage.py up`: the whole hub in one process."""

import secrets
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management import call_command

from accounts.models import User
from hub.management.commands.serve import Command as Serve
from hub.private_files import tighten
from hub.schedule import run_in_this_process
from realms.audit.actor import Actor
from realms.keys import issue_key
from realms.owners import create_realm

QUICKSTART = Path(__file__).parent.parent / "quickstart.sh"
FIRST_OWNER = "owner@localhost"
FIRST_REALM = "default"


class Command(Serve):
    """Run everything: API, streams, admin, docs and periodic work."""

    help = "Migrate the database and run the whole hub in this process."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.HUB_EMBEDDED:
            tighten(settings.HUB_DATA_DIR)
        call_command("migrate", verbosity=0, interactive=False)
        if settings.HUB_EMBEDDED and not User.objects.exists():
            self._first_start()
        self.stdout.write(f"AISP Hub on {settings.HUB_ORIGIN}  (console: /, docs: /docs, admin: /admin/)")
        self.stdout.flush()
        run_in_this_process(current_app)
        super().handle(*args, **options)

    def _first_start(self) -> None:
        """Make an owner, a realm and a key, and show them: nobody can see them again."""
        password = secrets.token_urlsafe(12)
        owner = User.objects.create_superuser(FIRST_OWNER, password, must_change_password=True)
        by = Actor.command("up")
        realm = create_realm(owner=owner, slug=FIRST_REALM, by=by)
        _, key = issue_key(realm=realm, name="first key", by=by)
        self.stdout.write(
            "This is the first start. Keep these, they are shown only once:\n\n"
            f"  owner     {FIRST_OWNER}\n"
            f"  password  {password}  (one-time: you choose your own as you sign in)\n"
            f"  realm     {FIRST_REALM}\n"
            f"  API key   {key}\n\n"
            "Type this into a second terminal:\n\n"
            f"export HUB={settings.HUB_ORIGIN} KEY={key}\n"
            f"{QUICKSTART.read_text()}"
        )
