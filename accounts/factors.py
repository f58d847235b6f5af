"""Second factors: sealed at rest, and asked of operators."""

import secrets
from base64 import b32encode
from typing import Any

import structlog
from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

from accounts.models import User
from accounts.sealing import seal, unseal

SECOND = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # recovery codes come with one of them
UNUSABLE_BYTES = 20

log = structlog.get_logger(__name__)


class FactorsAdapter(DefaultMFAAdapter):
    """What allauth asks about second factors."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This was not accepted. A code is good for a minute and once; use the newest.",
        "unknown_passkey": "This passkey was not accepted. It may have been removed; sign in in another way.",
    }

    def encrypt(self, text: str) -> str:
        """Return what of a secret may lie in the database."""
        return seal(text.encode())

    def decrypt(self, encrypted_text: str) -> str:
        """Return a secret; one that nothing matches if it was sealed with a SECRET_KEY that is gone."""
        secret = unseal(encrypted_text)
        if secret is None:
            log.error("A second factor was sealed with a SECRET_KEY that this hub does not have")
            return b32encode(secrets.token_bytes(UNUSABLE_BYTES)).decode()
        return secret.decode()

    def generate_authenticator_name(self, user: User, type: str) -> str:
        """Suggest a name for a new passkey."""
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return whom passkeys are for; browsers show the name."""
        return {**super().get_public_key_credential_rp_entity(), "name": "AISP Hub"}


def has_second_factor(user: User) -> bool:
    """Tell whether `user` has set up a second factor."""
    return bool(Authenticator.objects.filter(user=user, type__in=SECOND).exists())


def has_passkey(user: User) -> bool:
    """Tell whether `user` has a passkey."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).exists())


def used_second_factor(request: HttpRequest) -> bool:
    """Tell whether the person has shown a second factor in this session."""
    records: list[dict[str, Any]] = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)


def is_missing_second_factor(request: HttpRequest) -> bool:
    """Tell whether the person, an operator, has yet to show a second factor: on a laptop there is no need."""
    if settings.HUB_EMBEDDED:
        return False
    known: bool | None = getattr(request, "_missing_second_factor", None)
    if known is None:  # the admin asks several times for one page
        assert isinstance(request.user, User)
        known = not (used_second_factor(request) and has_second_factor(request.user))
        request._missing_second_factor = known  # type: ignore[attr-defined]
    return known
