"""`manage.py realm`: tenants from the command line."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from realms.owners import create_realm
from realms.refusal import Refusal


class Command(BaseCommand):
    """Make realms."""

    help = "Make a realm (a tenant of the hub)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="make a realm, and its owner if there is none yet")
        create.add_argument("slug", help="the realm's name in the API, such as default")
        create.add_argument("--owner", required=True, metavar="EMAIL", help="who owns it")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["owner"].strip().lower()
        owner = User.objects.filter(email=email).first()
        if owner is None:
            password = secrets.token_urlsafe(12)
            owner = User.objects.create_user(email, password)
            self.stderr.write(f"New owner {email}, password: {password}")
        try:
            realm = create_realm(owner=owner, slug=options["slug"])
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None
        self.stdout.write(realm.pk)
