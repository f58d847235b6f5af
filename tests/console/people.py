"""The people of Alice's realm, each with a browser, and how their pages are asked for."""

import re
import time
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from accounts.middleware import SEEN_AT
from accounts.models import User
from realms.members.models import Membership, Role
from realms.models import Realm
from tests.cast import new_owner
from tests.client import Client


@dataclass
class Person:
    """Somebody who is signed in, at the pages of one realm."""

    user: User
    realm: Realm
    browser: Client

    def path(self, name: str, *named: object, **query: object) -> str:
        """Return the path of a page of the realm by the name of its route."""
        return reverse(
            name, args=[self.realm.pk, *named], query={key: str(value) for key, value in query.items()}
        )

    def get(self, name: str, *named: object, **query: object) -> Any:
        """Open a page."""
        return self.browser.get(self.path(name, *named, **query))

    def post(self, name: str, *named: object, said: dict[str, Any] | None = None) -> Any:
        """Send a form."""
        return self.browser.post(self.path(name, *named), said or {})


def words_of(answer: Any) -> str:
    """Return a page without what is another each time: the form's token and the scripts' nonce."""
    return re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"', "", answer.content.decode())


def signed_in(user: User, realm: Realm) -> Person:
    """Return somebody with a browser of their own."""
    browser = Client()
    browser.force_login(user)
    session = browser.session
    session[SEEN_AT] = int(time.time())  # as after a sign-in
    session.save()
    return Person(user, realm, browser)


def new_member(realm: Realm, name: str, role: Role) -> Person:
    """Return a new person who belongs to a realm."""
    user = new_owner(name)
    Membership.objects.create(realm=realm, user=user, role=role)
    return signed_in(user, realm)
