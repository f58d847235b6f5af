"""Pages of one's own account, besides allauth's."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.views import LoginWebAuthnView
from allauth.usersessions.models import UserSession
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.addresses import is_proven, pending_address
from accounts.models import User

RETRY_AFTER_SECONDS = 60  # most limits are by the minute
CHALLENGES = {"passkey": "20/m/ip"}
CHALLENGE_SECONDS = 300


class PasskeySignIn(LoginWebAuthnView):
    """Signs in with a passkey.

    The challenge waits in a session, which is a row in the database: a short one, and few for one address.
    """

    def get(self, request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        """Give the browser a challenge."""
        if not ratelimit.consume(
            request, app="accounts", action="passkey", config=CHALLENGES, limit_get=True
        ):
            return too_many_attempts(request)
        answer: HttpResponse = super().get(request, *args, **named)
        if not request.user.is_authenticated and request.session.modified:
            request.session.set_expiry(CHALLENGE_SECONDS)
        return answer


@login_required
def me(request: HttpRequest) -> HttpResponse:
    """Show the account at a glance."""
    assert isinstance(request.user, User)
    user = request.user
    factors = list(Authenticator.objects.filter(user=user))
    codes = next((one.wrap() for one in factors if one.type == Authenticator.Type.RECOVERY_CODES), None)
    return render(
        request,
        "account/me.html",
        {
            "is_proven": is_proven(user),
            "pending_address": pending_address(user),
            "has_totp": any(one.type == Authenticator.Type.TOTP for one in factors),
            "passkeys": sum(one.type == Authenticator.Type.WEBAUTHN for one in factors),
            "codes_left": codes and len(codes.get_unused_codes()),
            "sessions": len(UserSession.objects.purge_and_list(user)),
        },
    )


@login_required
@require_POST
def end_session(request: HttpRequest, session: int) -> HttpResponse:
    """Sign out one of one's own sessions."""
    _end(request, [get_object_or_404(UserSession, user=request.user, pk=session)])
    return redirect("usersessions_list")


@login_required
@require_POST
def end_all_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere, here too."""
    _end(request, UserSession.objects.filter(user=request.user))
    return redirect("account_login")


def _end(request: HttpRequest, sessions: Any) -> None:
    ends_here = False
    for session in sessions:
        ends_here = ends_here or session.is_current()
        session.end()
    if ends_here:
        get_adapter().logout(request)
    flash.success(request, "Signed out.")


def too_many_attempts(request: HttpRequest) -> HttpResponse:
    """Answer who has sent forms of the account too often; found by allauth as the URLs' `handler429`."""
    page = render(request, "account/too_many_attempts.html", status=429)
    page["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return page
