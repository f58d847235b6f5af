"""`manage.py audit`: the audit log's chain from the command line."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from realms.audit import rules
from realms.audit.rules import Head
from realms.models import Realm
from realms.owners import realm_of
from realms.refusal import Refusal


class Command(BaseCommand):
    """Verify the chain, and print its head to be noted elsewhere."""

    help = "Verify the audit log of one realm or of all, or print where its chain ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verify = verbs.add_parser("verify", help="check that nothing was changed, removed or put elsewhere")
        verify.add_argument(
            "--head", metavar="NUMBER:DIGEST", help="what `audit head` printed for the realm earlier"
        )
        head = verbs.add_parser("head", help="print the number and the digest of the last event")
        for verb, is_needed in ((verify, False), (head, True)):
            verb.add_argument("--realm", metavar="SLUG", required=is_needed)
            verb.add_argument("--owner", metavar="EMAIL", required=is_needed)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(options)
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None

    def _head(self, options: dict[str, Any]) -> None:
        realm = realm_of(owner_email=options["owner"], slug=options["realm"])
        self.stdout.write(str(rules.head_of(realm.pk)))

    def _verify(self, options: dict[str, Any]) -> None:
        noted = _noted(options["head"])
        faults = 0
        for realm in _realms(options, noted):
            for fault in rules.verify(realm.pk, noted=noted):
                faults += 1
                self.stderr.write(f"{realm.pk} {realm.slug}: {fault}")
            head = rules.head_of(realm.pk)
            self.stdout.write(f"{realm.pk} {realm.slug}: {head.number} events, head {head}")
        if faults:
            raise CommandError(f"The audit log does not verify: {faults} faults.")


def _noted(text: str | None) -> Head | None:
    try:
        # Only what was not given is none: "" is a variable that somebody forgot to set.
        return None if text is None else Head.parse(text)
    except ValueError as error:
        raise CommandError(str(error)) from None


def _realms(options: dict[str, Any], noted: Head | None) -> list[Realm]:
    slug, owner = options["realm"], options["owner"]
    if slug is not None and owner is not None:
        return [realm_of(owner_email=owner, slug=slug)]
    if slug is not None or owner is not None or noted is not None:
        raise CommandError("Name one realm with --realm and --owner, and a head only with them.")
    return list(Realm.objects.order_by("pk"))
