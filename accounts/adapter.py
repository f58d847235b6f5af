"""How allauth's sign-up, sign-in and mails are this hub's."""

import time
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib import messages as flash
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.addresses import canonical_address
from accounts.known_browsers import known_browser, remember
from accounts.middleware import SEEN_AT
from accounts.models import User

NO_ADDRESS = "::"  # of a client that came through a socket without one; it has to be an IP address

# What shows once more that it is they, by allauth's names.
WAYS = {
    "reauthenticate": "Use your password",
    "mfa_reauthenticate": "Use a code of your app, or a recovery code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}

MATCHES_NOT = "This address and password do not match. Check both, or reset the password."


class AccountAdapter(DefaultAccountAdapter):
    """What allauth asks about people and their passwords."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": MATCHES_NOT,
        "too_many_login_attempts": "Too many attempts. Wait some minutes, or reset the password.",
        "enter_current_password": "This is not your password. If you forgot it, sign out and reset it.",
        "incorrect_password": "This is not your password. If you forgot it, sign out and reset it.",
        "duplicate_email": "This is your address already.",
        "same_as_current": "Choose another one than you have now.",
        "invited_elsewhere": "The invitation is for another address. Use the one that its mail came to.",
        "rate_limited": "Too many attempts. Wait a minute, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Tell whether who asks may sign up: everybody if the operator says so, else those invited."""
        return settings.HUB_OPEN_SIGN_UP or self.invited_address(request) is not None

    def may_sign_up(self, request: HttpRequest, email: str) -> bool:
        """Tell whether who asks may sign up with this address, in lower case."""
        return settings.HUB_OPEN_SIGN_UP or email == self.invited_address(request)

    def invited_address(self, request: HttpRequest) -> str | None:
        """Return the address, in lower case, that may sign up though others may not; here there is none."""
        return None

    def clean_email(self, email: str) -> str:
        """Return an address in its canonical form."""
        return canonical_address(super().clean_email(email))

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return whose attempts are counted: the peer, which the server took from a trusted proxy if any."""
        return request.exchange.address or NO_ADDRESS  # type: ignore[attr-defined]

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # allauth's own begins with the Host header, whose port a client may vary.
        email = str(credentials.get("email", "")).lower()
        browser = known_browser(request, email)
        return f"{browser} {email}" if browser else email

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Return the ways in which somebody can show once more that it is they."""
        ways = super().get_reauthentication_methods(user)
        return [{**way, "description": WAYS[way["id"]]} for way in ways]

    def login(self, request: HttpRequest, user: User) -> None:
        """Begin a session; allauth notes it in the list of sessions."""
        super().login(request, user)
        request.session.set_expiry(
            settings.SESSION_COOKIE_AGE
        )  # one that a passkey's challenge made is short
        request.session[SEEN_AT] = int(time.time())

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse:
        """Lead on after a sign-in, and know the browser again."""
        response: HttpResponse = super().post_login(request, user, **options)
        remember(response, request, user.email)
        return response

    def set_password(self, user: User, password: str) -> None:
        """Set a password that `user` chose."""
        user.must_change_password = False
        super().set_password(user, password)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Lead back to the account's page."""
        return reverse("account")

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Note that an address is proven; tell whether it could be, since another account may have it."""
        try:
            with transaction.atomic():
                return bool(super().confirm_email(request, email_address))
        except IntegrityError:
            template = "account/messages/email_confirmation_failed.txt"
            self.add_message(request, flash.ERROR, template, {"email": email_address.email})
            return False

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Send the mail that proves an address, or tell who has it already that somebody else wanted it."""
        address = emailconfirmation.email_address
        if User.objects.filter(email=address.email).exclude(pk=address.user_id).exists():
            self.send_mail("account/email/address_in_use", address.email, {})
        else:
            super().send_confirmation_mail(request, emailconfirmation, signup)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail, whose templates know where this hub is."""
        hub = {"origin": settings.HUB_ORIGIN, "is_open": self.is_open_for_signup(self.request)}
        super().send_mail(template_prefix, email, {**context, **hub})

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """Return the link that proves an address."""
        return _at_origin(super().get_email_confirmation_url(request, emailconfirmation))

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link that resets a password."""
        return _at_origin(super().get_reset_password_from_key_url(key))


def _at_origin(url: str) -> str:
    """Return `url` at the hub's own origin, whatever Host header the request had."""
    return f"{settings.HUB_ORIGIN}{urlsplit(url).path}"
