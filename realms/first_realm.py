"""The first realm of somebody who signed up: made when their address is proven."""

import contextlib
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.http import HttpRequest

from accounts.models import User
from realms.audit.actor import Actor
from realms.members.models import Invitation, Membership
from realms.models import Realm
from realms.owners import create_realm
from realms.person import as_person
from realms.refusal import Refusal

FIRST_REALM = "default"


def make_first_realm(*, user: User, by: Actor) -> Realm | None:
    """Make the realm `default` of a person who has none, never had one, and is invited to none."""
    has_one = Realm.objects.filter(owner=user).exists() or Membership.objects.filter(user=user).exists()
    invited = Invitation.objects.open().filter(email=user.email, realm__in=Realm.objects.present())
    if has_one or invited.exists():
        return None
    with contextlib.suppress(Refusal):  # the same link, opened twice at once
        return create_realm(owner=user, slug=FIRST_REALM, by=by)
    return None


def connect() -> None:
    """Have it made from now on."""
    email_confirmed.connect(_on_email_confirmed, dispatch_uid="first-realm")


def _on_email_confirmed(request: HttpRequest, email_address: EmailAddress, **_: Any) -> None:
    make_first_realm(user=email_address.user, by=as_person(email_address.user, request))
