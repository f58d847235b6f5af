"""The person behind a request of a web page."""

from typing import Any

from django.http import HttpRequest

from accounts.factors import is_missing_second_factor
from accounts.models import User
from realms.audit.actor import Actor


def person_of(request: HttpRequest) -> Actor:
    """Return who works in the console: an operator has an operator's powers after the second factor."""
    assert isinstance(request.user, User)
    runs_hub = request.user.is_staff and not is_missing_second_factor(request)
    return Actor.person(request.user, **_origin(request), runs_hub=runs_hub)


def operator_of(request: HttpRequest) -> Actor:
    """Return who works in the admin, for the audit log."""
    assert isinstance(request.user, User)
    return Actor.operator(request.user, **_origin(request))


def as_person(user: User, request: HttpRequest) -> Actor:
    """Return a person who need not be signed in, for the audit log: who follows a link from a mail."""
    return Actor.person(user, **_origin(request))


def _origin(request: Any) -> dict[str, Any]:
    return {"request_id": request.exchange.request_id, "address": request.exchange.address}
