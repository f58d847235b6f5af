"""A person at the pages of their account, with a browser and an address of their own."""

import random
import re
import time
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core import mail
from django.urls import reverse

from accounts.models import User
from tests.client import Client

PASSWORD = "correct horse 7"
OTHER_PASSWORD = "battery staple 8"
TOTP_SECONDS = 30


def new_browser() -> Any:
    """Return a browser at an address of its own, where nobody has tried anything yet."""
    address = f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(1, 255)}"
    return Client(REMOTE_ADDR=address)


def code_of(secret: str) -> str:
    """Return what an authenticator app shows now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // TOTP_SECONDS)))


@dataclass
class Person:
    """Somebody with an account, or who wants one."""

    email: str
    password: str = PASSWORD
    browser: Any = field(default_factory=new_browser)
    secret: str = ""

    @property
    def user(self) -> User:
        """Their account as it is now."""
        return User.objects.get(email=self.email)

    def get(self, name: str, /, *args: object, **query: str) -> Any:
        """Open a page by the name of its route."""
        return self.browser.get(reverse(name, args=args), query)

    def post(self, name: str, /, *args: object, **said: str) -> Any:
        """Send a form."""
        return self.browser.post(reverse(name, args=args), said)

    def post_through(self, name: str, /, **said: str) -> Any:
        """Send a form and go where that leads."""
        return self.browser.post(reverse(name), said, follow=True)

    def sign_up(self) -> Any:
        """Ask for an account."""
        return self.post("account_signup", email=self.email, password1=self.password, password2=self.password)

    def sign_in(self, password: str = "", **more: str) -> Any:
        """Send the form of the sign-in."""
        return self.post("account_login", login=self.email, password=password or self.password, **more)

    def is_signed_in(self) -> bool:
        """Tell whether the account's page opens."""
        return bool(self.get("account").status_code == 200)

    def show_password_again(self) -> None:
        """Do what pages ask for that change who gets in."""
        assert self.post("account_reauthenticate", password=self.password).status_code == 302

    def set_up_totp(self) -> list[str]:
        """Have an authenticator app; return the recovery codes."""
        self.secret = generate_totp_secret()
        TOTP.activate(self.user, self.secret)
        return self._codes()

    def _codes(self) -> list[str]:
        return list(RecoveryCodes.activate(self.user).get_unused_codes())

    def sign_in_with_second_factor(self) -> None:
        """Sign in with a recovery code, which no clock makes stale, of factors that are set up if need be."""
        [code, *_] = self.set_up_totp() if not self.secret else self._codes()
        assert self.sign_in().url == reverse("mfa_authenticate")
        assert self.post("mfa_authenticate", code=code).status_code == 302
        assert self.is_signed_in()


def new_person(name: str, **fields: Any) -> Person:
    """Return somebody who has an account."""
    person = Person(f"{name}@example.com")
    User.objects.create_user(person.email, person.password, **fields)
    return person


def links_in_mail() -> list[str]:
    """Return the paths of the links in the newest mail."""
    return re.findall(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
