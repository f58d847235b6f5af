"""Accepting an invitation, at the link from its mail: the only page about a realm that strangers see."""

from django.conf import settings
from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from hub.console.access import refused
from realms.members.invitations import accept_invitation, invitation_for, is_for
from realms.members.sign_up import FOLLOWED
from realms.person import person_of
from realms.refusal import Refusal


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Say who invites to what, and to whoever has the address offer to accept; POST accepts."""
    try:
        if request.method == "POST" and isinstance(request.user, User):
            realm = accept_invitation(token=token, user=request.user, by=person_of(request))
            flash.success(request, f"Welcome to {realm.slug}.")
            return _forgets(redirect("realm", realm.pk))
        invitation = invitation_for(token)
    except Refusal as refusal:
        if refusal.code != "not_found":
            return refused(request, refusal)
        ended = render(request, "console/invitation_ended.html", status=refusal.status)
        return _forgets(ended) if request.COOKIES.get(FOLLOWED) == token else ended
    here = reverse("invitation", args=[token])
    context = {"invitation": invitation, "here": here}
    if isinstance(request.user, User):
        context["is_yours"] = is_for(invitation, request.user)
        return render(request, "console/invitation.html", context)
    page = render(request, "console/invitation.html", context)
    # In a cookie, since a session would be a row in the database for whoever opens the link.
    page.set_cookie(
        FOLLOWED, token, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax", path="/"
    )
    return page


def _forgets(answer: HttpResponse) -> HttpResponse:
    """Return an answer that lets the browser forget the invitation."""
    answer.delete_cookie(FOLLOWED)
    return answer
