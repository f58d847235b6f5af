"""Where one arrives: one's realms, or the only one's own page."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from hub.console.forms import say
from realms.members.rules import member_of, realms_of
from realms.models import ApiKey, Realm
from realms.owners import create_realm
from realms.person import person_of
from realms.refusal import Refusal


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the only realm, list several, and show strangers the documentation."""
    if not isinstance(request.user, User):
        return redirect("docs")
    realms = list(realms_of(request.user))
    if len(realms) == 1:
        return redirect(_first_page(realms[0]), realms[0].pk)
    members = [member_of(user=request.user, realm_id=realm.pk) for realm in realms]
    return render(request, "console/home.html", {"members": members})


def _first_page(realm: Realm) -> str:
    """Return the name of the page that is of use: without a key there is nothing to see in a realm."""
    return "realm" if ApiKey.objects.in_realm(realm.pk).exists() else "realm-start"


class NewRealmForm(forms.Form):
    """A new realm."""

    slug = forms.CharField(
        label="Name", max_length=63, help_text="Small letters, digits and dashes, such as “research”."
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_realm(request: HttpRequest) -> HttpResponse:
    """Make a realm of one's own."""
    assert isinstance(request.user, User)
    form = NewRealmForm(request.POST or None)
    if form.is_valid():
        try:
            realm = create_realm(owner=request.user, slug=form.cleaned_data["slug"], by=person_of(request))
        except Refusal as refusal:
            say(form, refusal)
        else:
            return redirect("realm-start", realm.pk)
    return render(request, "console/new_realm.html", {"form": form}, status=400 if form.errors else 200)
