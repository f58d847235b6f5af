"""`manage.py apikey`: API keys from the command line."""

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from realms import keys
from realms.audit.actor import Actor
from realms.ids import KEY, parse_id
from realms.key_format import keys_in
from realms.models import ApiKey
from realms.owners import realm_of
from realms.refusal import Refusal

UNLIMITED = 0
NOTHING_FOUND, UNREADABLE = 1, 2  # as grep has it
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def limit(text: str) -> int:
    """Read a number of requests a minute, or `unlimited`."""
    if text == "unlimited":
        return UNLIMITED
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise ArgumentTypeError(f"{text!r} is neither a number from 1 to 999999999 nor `unlimited`")
    return int(text)


def moment_after(text: str) -> datetime:
    """Read a span such as 90m, 12h or 30d, and return when it ends."""
    match = re.fullmatch(r"([1-9]\d{0,4})([mhd])", text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is no span such as 90m, 12h or 30d")
    return timezone.now() + int(match[1]) * _UNITS[match[2]]


class Command(BaseCommand):
    """Issue, list, rotate and end API keys, and find them in a text."""

    help = "Issue, list, rotate, disable, enable, revoke and recognise API keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        issue = verbs.add_parser("issue", help="make a key and print it, alone, on standard output")
        issue.add_argument("--name", required=True, help="what the key is for")
        issue.add_argument("--scopes", default="read,write", help="read, write or both (default: both)")
        issue.add_argument("--reads-per-minute", type=limit, metavar="N|unlimited")
        issue.add_argument("--writes-per-minute", type=limit, metavar="N|unlimited")
        issue.add_argument("--expires-in", type=moment_after, metavar="SPAN", help="such as 30d")
        list_ = verbs.add_parser(
            "list", help="a line a key: id, name, prefix and last 4, scopes, status, last used"
        )
        for verb in (issue, list_):
            verb.add_argument("--realm", required=True, metavar="SLUG")
            verb.add_argument("--owner", required=True, metavar="EMAIL")
        rotate = verbs.add_parser(
            "rotate", help="give a key a new secret and print it, alone, on standard output"
        )
        rotate.add_argument(
            "--grace", required=True, choices=keys.GRACES, help="for how long the old secret goes on working"
        )
        rotate.add_argument(
            "--force", action="store_true", help="even if the secret before still works; it ends now"
        )
        for name, what in (
            ("disable", "make a key stop working until it is enabled"),
            ("enable", "make a disabled key work again"),
            ("revoke", "end a key for good"),
        ):
            verbs.add_parser(name, help=what).add_argument("key_id", metavar="KEY_ID")
        rotate.add_argument("key_id", metavar="KEY_ID")
        check = verbs.add_parser(
            "check", help="find keys in a text by form and checksum, asking no database; exit 1 if none"
        )
        check.add_argument("file", metavar="FILE", help="a file, or - for standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        self.by = Actor.command(f"apikey {options['verb']}")
        try:
            getattr(self, f"_{options['verb']}")(options)
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None

    def _issue(self, options: dict[str, Any]) -> None:
        realm = realm_of(owner_email=options["owner"], slug=options["realm"])
        _, plaintext = keys.issue_key(
            realm=realm,
            name=options["name"],
            by=self.by,
            scopes=[scope.strip() for scope in options["scopes"].split(",")],
            expires_at=options["expires_in"],
            reads_per_minute=options["reads_per_minute"],
            writes_per_minute=options["writes_per_minute"],
        )
        self.stdout.write(plaintext)

    def _list(self, options: dict[str, Any]) -> None:
        realm = realm_of(owner_email=options["owner"], slug=options["realm"])
        now = timezone.now()
        for key in ApiKey.objects.in_realm(realm.pk).prefetch_related("secrets").order_by("pk"):
            live = [
                secret for secret in key.secrets.all() if secret.expires_at is None or secret.expires_at > now
            ]
            secrets = "+".join(map(str, sorted(live, key=lambda secret: secret.pk)))
            used = f"{key.last_used_at:%Y-%m-%dT%H:%MZ}" if key.last_used_at else "never"
            line = (key.pk, key.name, secrets, ",".join(key.scopes), key.status, used)
            self.stdout.write("\t".join(line))

    def _rotate(self, options: dict[str, Any]) -> None:
        plaintext = keys.rotate_key(
            key=_key(options["key_id"]),
            grace=keys.GRACES[options["grace"]],
            by=self.by,
            force=options["force"],
        )
        self.stdout.write(plaintext)

    def _disable(self, options: dict[str, Any]) -> None:
        keys.set_status(key=_key(options["key_id"]), status=ApiKey.Status.DISABLED, by=self.by)

    def _enable(self, options: dict[str, Any]) -> None:
        keys.set_status(key=_key(options["key_id"]), status=ApiKey.Status.ACTIVE, by=self.by)

    def _revoke(self, options: dict[str, Any]) -> None:
        keys.set_status(key=_key(options["key_id"]), status=ApiKey.Status.REVOKED, by=self.by)

    def _check(self, options: dict[str, Any]) -> None:
        """Tell line, column and last four characters: what is searched for is a secret."""
        text = _text_of(options["file"])
        found = False
        # By \n alone, as editors and grep count: `splitlines` takes form feeds and more for line ends.
        for number, line in enumerate(text.split("\n"), start=1):
            for column, key in keys_in(line):
                found = True
                self.stdout.write(f"{number}:{column + 1}\taisp_…{key[-4:]}")
        if not found:
            sys.exit(NOTHING_FOUND)


def _text_of(name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.", returncode=UNREADABLE) from None
    return content.decode(errors="replace")


def _key(text: str) -> ApiKey:
    key_id = parse_id(KEY, text)
    key = ApiKey.objects.filter(pk=key_id).first() if key_id else None
    if key is None:
        raise CommandError(f"There is no key {text}.")
    return key
