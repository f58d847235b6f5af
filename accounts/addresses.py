"""E-mail addresses: which of them are proven."""

from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress

if TYPE_CHECKING:
    from accounts.models import User


def vouch_for(user: "User") -> None:
    """Note that the address of `user` is theirs: an operator says so, or they read a mail sent to it."""
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )


def pending_address(user: "User") -> str | None:
    """Return the address that `user` wants to change to and has not proven yet."""
    unproven = EmailAddress.objects.filter(user=user, verified=False).exclude(email=user.email)
    email: str | None = unproven.values_list("email", flat=True).last()
    return email


def is_proven(user: "User") -> bool:
    """Tell whether the address of `user` is known to be theirs."""
    return bool(EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists())
