"""What tests of the signing keys do: rotate, and let time pass for the database."""

from datetime import timedelta
from io import StringIO
from typing import Any

import jwt
from django.core.management import call_command
from django.db.models import F

from hub.tokens.models import SigningKey
from tests.cast import Agent

JWKS = "/.well-known/jwks.json"


def command(*arguments: str) -> str:
    """Run `manage.py signing-key` and return what it writes."""
    out = StringIO()
    call_command("signing-key", *arguments, stdout=out)
    return out.getvalue()


def rotate(*options: str) -> str:
    """Rotate with the command and return the new key's id."""
    grow_older(0.001)  # in one transaction all keys would be made at the same instant
    return command("rotate", *options).strip()


def grow_older(seconds: float) -> None:
    """Let the signing keys be that much older: the database's own clock cannot be set."""
    by = timedelta(seconds=seconds)
    SigningKey.objects.update(created_at=F("created_at") - by, expires_at=F("expires_at") - by)


def published() -> list[dict[str, Any]]:
    """Return the keys that the hub publishes, as anybody gets them."""
    answer = Agent(None).get(JWKS)
    assert answer.status == 200
    return list(answer.json["keys"])


def kids() -> list[str]:
    """Return the ids of the keys that the hub publishes."""
    return [key["kid"] for key in published()]


def kid_of(token: str) -> str:
    """Return the id of the key that signed a token."""
    return str(jwt.get_unverified_header(token)["kid"])
