"""`manage.py apikey`: API keys from the command line."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from realms import keys
from realms.ids import KEY, parse_id
from realms.models import ApiKey
from realms.owners import realm_of
from realms.refusal import Refusal

UNLIMITED = 0
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
    """Issue, list and end API keys."""

    help = "Issue, list, disable, enable and revoke the API keys of a realm."

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
        for name, what in (
            ("disable", "make a key stop working until it is enabled"),
            ("enable", "make a disabled key work again"),
            ("revoke", "end a key for good"),
        ):
            verbs.add_parser(name, help=what).add_argument("key_id", metavar="KEY_ID")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(options)
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None

    def _issue(self, options: dict[str, Any]) -> None:
        realm = realm_of(owner_email=options["owner"], slug=options["realm"])
        _, plaintext = keys.issue_key(
            realm=realm,
            name=options["name"],
            by=None,
            scopes=[scope.strip() for scope in options["scopes"].split(",")],
            expires_at=options["expires_in"],
            reads_per_minute=options["reads_per_minute"],
            writes_per_minute=options["writes_per_minute"],
        )
        self.stdout.write(plaintext)

    def _list(self, options: dict[str, Any]) -> None:
        realm = realm_of(owner_email=options["owner"], slug=options["realm"])
        for key in ApiKey.objects.in_realm(realm.pk).prefetch_related("secrets").order_by("pk"):
            secrets = "+".join(str(secret) for secret in key.secrets.all())
            used = f"{key.last_used_at:%Y-%m-%dT%H:%MZ}" if key.last_used_at else "never"
            line = (key.pk, key.name, secrets, ",".join(key.scopes), key.status, used)
            self.stdout.write("\t".join(line))

    def _disable(self, options: dict[str, Any]) -> None:
        keys.set_status(key=_key(options["key_id"]), status=ApiKey.Status.DISABLED)

    def _enable(self, options: dict[str, Any]) -> None:
        keys.set_status(key=_key(options["key_id"]), status=ApiKey.Status.ACTIVE)

    def _revoke(self, options: dict[str, Any]) -> None:
        keys.set_status(key=_key(options["key_id"]), status=ApiKey.Status.REVOKED)


def _key(text: str) -> ApiKey:
    key_id = parse_id(KEY, text)
    key = ApiKey.objects.filter(pk=key_id).first() if key_id else None
    if key is None:
        raise CommandError(f"There is no key {text}.")
    return key
