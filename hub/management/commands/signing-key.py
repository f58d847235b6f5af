"""`manage.py signing-key`: the keys that the hub signs tokens with."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hub.tokens import signing_keys
from realms.refusal import Refusal


class Command(BaseCommand):
    """List and rotate the signing keys."""

    help = "List or rotate the keys that the hub signs session tokens with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="a line a key: id, when it was made, until when it is accepted")
        rotate = verbs.add_parser(
            "rotate", help="sign with a new key; the one before is accepted until its last token is over"
        )
        rotate.add_argument(
            "--force", action="store_true", help="even if the key before that is still accepted; it ends now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(options)
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None

    def _list(self, options: dict[str, Any]) -> None:
        for key in signing_keys.published():
            until = f"until {key.expires_at:%Y-%m-%dT%H:%MZ}" if key.expires_at else "signs"
            self.stdout.write(f"{key.kid}\t{key.created_at:%Y-%m-%dT%H:%MZ}\t{until}")

    def _rotate(self, options: dict[str, Any]) -> None:
        self.stdout.write(signing_keys.rotate(force=options["force"]).kid)
