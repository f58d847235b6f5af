"""Who may open a page of the console: a member of the realm that the path names, in a role that covers it.

A realm that somebody does not belong to is answered as one that does not exist.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from accounts.models import User
from realms.ids import REALM, parse_id
from realms.members.models import Role
from realms.members.rules import Member, member_of
from realms.models import Realm
from realms.refusal import Refusal

SAFE = ("GET", "HEAD")

View = Callable[..., HttpResponseBase]


def page(where: str, view: View, *, name: str, role: Role = Role.VIEWER) -> URLPattern:
    """Return the route of a page below the realm's, which is looked at."""
    return _route(where, view, name, role, SAFE)


def form(
    where: str, view: View, *, name: str, role: Role = Role.ADMIN, while_suspended: bool = False
) -> URLPattern:
    """Return the route of a page with a form that is sent to the page itself.

    Args:
        while_suspended: whether the form is taken in a realm that its operator has suspended.
    """
    return _route(where, view, name, role, (*SAFE, "POST"), while_suspended)


def act(
    where: str, view: View, *, name: str, role: Role = Role.ADMIN, while_suspended: bool = False
) -> URLPattern:
    """Return the route of a button: it does something and leads back to a page. See `form`."""
    return _route(where, view, name, role, ("POST",), while_suspended)


def _route(
    where: str,
    view: View,
    name: str,
    role: Role,
    methods: tuple[str, ...],
    while_suspended: bool = False,
) -> URLPattern:
    below = f"/{where}" if where else ""
    opened = require_http_methods(methods)(_members_only(view, role, while_suspended))
    return path(f"realms/<str:realm_id>{below}", opened, name=name)


def _members_only(view: View, role: Role, while_suspended: bool) -> View:
    """Return `view`, which gets the member who asks in the place of the realm's id."""

    @wraps(view)
    def opened(request: HttpRequest, realm_id: str, **named: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return redirect_to_login(request.get_full_path())
        member: Member | None = None
        try:
            canonical = parse_id(REALM, realm_id)
            if canonical is None:
                raise Refusal("not_found")
            member = member_of(user=request.user, realm_id=canonical)
            if not member.may(role):
                raise Refusal("role_missing")
            is_suspended = member.realm.status == Realm.Status.SUSPENDED
            if is_suspended and not while_suspended and request.method not in SAFE:
                raise Refusal("realm_suspended")
            return view(request, member, **named)
        except Refusal as refusal:
            return refused(request, refusal, member)

    opened.role = role  # type: ignore[attr-defined]
    return opened


def refused(request: HttpRequest, refusal: Refusal, member: Member | None = None) -> HttpResponse:
    """Return the page that says why something was not done."""
    said = {"refusal": refusal, "member": member}
    answer = render(request, "console/refused.html", said, status=refusal.status)
    for name, value in refusal.headers.items():
        answer[name] = value
    return answer
