"""The person behind a request of a web page."""

from typing import Any

from django.http import HttpRequest

from accounts.models import User
from realms.audit.actor import Actor


def person_of(request: HttpRequest) -> Actor:
    """Return who works in the console, for the audit log."""
    assert isinstance(request.user, User)
    return as_person(request.user, request)


def operator_of(request: HttpRequest) -> Actor:
    """Return who works in the admin, for the audit log."""
    assert isinstance(request.user, User)
    return Actor.operator(request.user, **_origin(request))


def as_person(user: User, request: HttpRequest) -> Actor:
    """Return a person who need not be signed in, for the audit log: who follows a link from a mail."""
    return Actor.person(user, **_origin(request))


def _origin(request: Any) -> dict[str, Any]:
    return {"request_id": request.exchange.request_id, "address": request.exchange.address}
