"""E-mail addresses: how they are written, and which of them are proven."""

import unicodedata
from typing import TYPE_CHECKING

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest

if TYPE_CHECKING:
    from accounts.models import User


NO_ADDRESS = "This is not an e-mail address."
HIDDEN = "This address has a character that cannot be seen. Type it again instead of copying it."
ADDRESS_CHARACTERS = 254  # RFC 5321 §4.5.3.1.3, without the brackets


def canonical_address(text: str) -> str:
    """Return the one form in which an address is kept and compared.

    That is in lower case, with the domain in ASCII (IDNA, RFC 3490), so that no other domain looks the same
    to the database.

    Raises:
        ValidationError: it is no address, or has characters that cannot be seen (Unicode category Cf).
    """
    text = text.strip()
    if any(unicodedata.category(character) == "Cf" for character in text):
        raise ValidationError(HIDDEN, code="hidden_character")
    local, _, domain = text.rpartition("@")
    try:
        address = f"{local}@{_ascii_domain(domain)}".lower()
        validate_email(address)
    except (UnicodeError, ValidationError):
        raise ValidationError(NO_ADDRESS, code="invalid") from None
    if not local.isascii() or len(address) > ADDRESS_CHARACTERS:
        raise ValidationError(NO_ADDRESS, code="invalid")
    return address


def _ascii_domain(domain: str) -> str:
    """Return a domain in ASCII; raise `UnicodeError` if that is another one, as with a sharp s."""
    encoded = domain.encode("idna")
    if not domain.isascii() and encoded.decode("idna") != unicodedata.normalize("NFC", domain.lower()):
        raise UnicodeError("its ASCII form is that of another domain")
    return encoded.decode()


def as_compared(text: str) -> str:
    """Return an address as it may be in the database; what is none stays what it is, and is not there."""
    try:
        return canonical_address(text)
    except ValidationError:
        return text.strip()


def vouch_for(user: "User") -> None:
    """Note that the address of `user` is theirs: who runs the hub says so."""
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )


def confirm_by_mail(user: "User", request: HttpRequest) -> None:
    """Note that `user` followed a link in a mail to their address, if that is news; allauth tells of it."""
    address, _ = EmailAddress.objects.get_or_create(user=user, email=user.email)
    if not address.verified:
        get_adapter().confirm_email(request, address)


def pending_address(user: "User") -> str | None:
    """Return the address that `user` wants to change to and has not proven yet."""
    unproven = EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email)
    email: str | None = unproven.values_list("email", flat=True).last()
    return email


def is_proven(user: "User") -> bool:
    """Tell whether the address of `user` is known to be theirs."""
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists())
