"""`manage.py realm`: tenants from the command line."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.addresses import canonical_address
from accounts.models import User
from realms.audit.actor import Actor
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
        password = secrets.token_urlsafe(12)
        try:
            email = canonical_address(options["owner"])
            with transaction.atomic():
                owner = User.objects.filter(email=email).first()
                is_new = owner is None
                if owner is None:
                    owner = User.objects.create_user(email, password, must_change_password=True)
                realm = create_realm(owner=owner, slug=options["slug"], by=Actor.command("realm create"))
        except ValidationError:
            raise CommandError(f"{options['owner']!r} is not an e-mail address.") from None
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None
        if is_new:
            self.stderr.write(f"New owner {email}, one-time password: {password}")
        self.stdout.write(realm.pk)
