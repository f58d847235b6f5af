"""The operators' admin: who may enter, by the one sign-in that the hub has."""

from typing import Any

from allauth.account.utils import get_next_redirect_url
from django.contrib import auth
from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from accounts.factors import has_second_factor, is_missing_second_factor


class OperatorsSite(UnfoldAdminSite):
    """Unfold's admin, for operators who have shown a second factor."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person may see any page of the admin."""
        return bool(super().has_permission(request)) and not is_missing_second_factor(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to what is missing: a sign-in, a second factor, or its use in this session."""
        wanted = get_next_redirect_url(request) or reverse("admin:index")
        user: Any = request.user
        if not user.is_authenticated:
            return redirect(reverse("account_login", query={"next": wanted}))
        if not (user.is_active and user.is_staff):
            return render(request, "403.html", status=403)
        if self.has_permission(request):
            return HttpResponseRedirect(wanted)
        if not has_second_factor(user):
            flash.warning(
                request, "The admin needs a second factor. Set one up here, then open the admin again."
            )
            return redirect("mfa_index")
        flash.info(request, "The admin asks for your second factor once in every session.")
        return redirect(reverse("mfa_reauthenticate", query={"next": wanted}))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sign out of everything."""
        if request.method == "POST":
            auth.logout(request)
        return redirect("account_login")

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the account's page."""
        return redirect("account_change_password")
