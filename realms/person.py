"""The person behind a request of a web page."""

from django.http import HttpRequest

from accounts.address import client_address
from accounts.models import User
from realms.audit.actor import Actor


def person_of(request: HttpRequest) -> Actor:
    """Return who works in the console or the admin, for the audit log."""
    assert isinstance(request.user, User)
    return Actor.person(
        request.user,
        request_id=getattr(request, "request_id", ""),
        address=client_address(request.META.get("REMOTE_ADDR")),
    )
