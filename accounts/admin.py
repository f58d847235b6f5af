"""People in the operators' admin."""

from collections.abc import Callable
from typing import Any, TypeVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib import messages as flash
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import people
from accounts.addresses import canonical_address
from accounts.models import User

admin.site.unregister(Group)  # no permission of the hub is given by group
admin.site.unregister(Authenticator)  # its page would hold the secret of a second factor
admin.site.unregister(UserSession)  # and this one's whoever has the cookie's
admin.site.unregister(EmailAddress)  # below without the action that declares an address proven


Method = TypeVar("Method", bound=Callable[..., Any])


def confirmed(does: str, explained: str) -> Callable[[Method], Method]:
    """Make a button of a person's page out of a method, which a dialog asks about first.

    Args:
        does: what it does, as the button says it.
        explained: what that means.
    """
    dialog = {"title": f"{does}?", "description": explained, "form_class": None, "form_submit_text": does}
    path = does.lower().replace(" ", "-")
    decorated: Callable[[Method], Method] = action(
        description=does, permissions=["change"], url_path=path, dialog=dialog
    )
    return decorated


class NewUserForm(UserCreationForm):
    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        """Return the address in the form in which it is compared with those that exist."""
        return canonical_address(self.cleaned_data["email"])


class ChangedUserForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User

    def clean_email(self) -> str:
        """Return the address in the form in which it is compared with those that exist."""
        return canonical_address(self.cleaned_data["email"])


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ModelAdmin):
    """People by address. Nobody is deleted, since realms name them: an account is deactivated."""

    form = ChangedUserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("email",)
    list_display = ("email", "first_name", "last_name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("email", "first_name", "last_name")
    readonly_fields = ("last_login", "date_joined", "second_factor", "web_sessions", "see_also")
    fieldsets = (
        (None, {"fields": ("email", "password", "must_change_password")}),
        ("Name", {"fields": ("first_name", "last_name")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Signing in", {"fields": ("second_factor", "web_sessions", "see_also")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    actions_detail = ("remove_second_factor", "end_web_sessions")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave people to superusers: who could edit one could become anybody."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Leave the address open only while a person is made: later they change it, and prove the new one."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "email")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Have the rules write what was edited."""
        if change:
            people.change_person(person=obj, names=form.changed_data)
            return
        said = form.cleaned_data
        password = said["password1"] if said["set_usable_password"] else None
        # Whoever types a password for somebody else knows it.
        made = User.objects.create_user(obj.email, password, must_change_password=password is not None)
        obj.pk = made.pk

    @admin.display(description="second factor")
    def second_factor(self, person: User) -> str:
        """The kinds, never what they hold."""
        kinds = Authenticator.objects.filter(user=person).order_by("pk").values_list("type", flat=True)
        return ", ".join(str(Authenticator.Type(kind).label) for kind in kinds) or "None"

    @admin.display(description="web sessions")
    def web_sessions(self, person: User) -> int:
        """In how many browsers they are signed in."""
        return int(UserSession.objects.filter(user=person).count())

    @admin.display(description="see also")
    def see_also(self, person: User) -> SafeString:
        """The ways to what they own, belong to, and are reached at."""
        lists = [
            ("realms_realm", {"owner__id__exact": person.pk}, "Realms owned"),
            ("realms_membership", {"user__id__exact": person.pk}, "Memberships"),
            ("account_emailaddress", {"user__id__exact": person.pk}, "E-mail addresses"),
        ]
        links = ((reverse(f"admin:{name}_changelist", query=query), text) for name, query, text in lists)
        return format_html_join(" · ", '<a href="{}" class="text-link">{}</a>', links)

    @confirmed(
        "Remove second factor",
        "Do this for somebody who lost it, once you know that it is they who ask. Their passkeys, app and "
        "recovery codes are forgotten, they are signed out everywhere and told by mail, and until they set "
        "up a new one their password alone lets them in.",
    )
    def remove_second_factor(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Remove the second factor of a person who lost it."""
        person = self._person(request, object_id)
        if people.remove_second_factor(person=person):
            self.log_change(request, person, "Removed the second factor")
            flash.success(request, f"The second factor of {person} was removed.")
        else:
            flash.warning(request, f"{person} has no second factor. Nothing was changed.")
        return self._back_to(request, person)

    @confirmed(
        "End web sessions",
        "They are signed out everywhere and can sign in again. To keep them out, take the tick from Active.",
    )
    def end_web_sessions(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Sign a person out of every browser."""
        person = self._person(request, object_id)
        ended = people.end_web_sessions(person=person)
        self.log_change(request, person, "Ended the web sessions")
        flash.success(request, f"{person} was signed out of {ended} browser{'' if ended == 1 else 's'}.")
        return self._back_to(request, person)

    def _person(self, request: HttpRequest, object_id: str) -> User:
        person = self.get_object(request, object_id)
        if person is None:
            raise Http404
        return person

    def _back_to(self, request: HttpRequest, person: User) -> HttpResponse:
        """Lead back to the person's page, also from a dialog, whose form htmx sends."""
        page = reverse("admin:accounts_user_change", args=[person.pk])
        if "HX-Request" in request.headers:
            return HttpResponse(headers={"HX-Redirect": page})
        return redirect(page)


@admin.register(EmailAddress)
class EmailAddressAdmin(ModelAdmin):
    """Addresses that people have or want to change to: they prove them, and nobody does it for them."""

    list_display = ("email", "user", "primary", "verified")
    list_filter = ("primary", "verified")
    list_select_related = ("user",)
    search_fields = ("email", "user__email")
    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow what a person's page links to."""
        return lookup == "user__id__exact" or super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: EmailAddress | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: EmailAddress | None = None) -> bool:
        return False
