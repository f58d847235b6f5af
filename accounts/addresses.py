"""E-mail addresses: which of them are proven."""

from typing import TYPE_CHECKING

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.http import HttpRequest

if TYPE_CHECKING:
    from accounts.models import User


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
