"""People in the operators' admin."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.factors import remove_second_factors
from accounts.models import User

admin.site.unregister(Group)  # no permission of the hub is given by group
# These are people's own, and rules of allauth's hold for them that an edited row would break.
for model in (EmailAddress, Authenticator, UserSession):
    admin.site.unregister(model)


class NewUserForm(UserCreationForm):
    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("email",)


class ChangedUserForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ModelAdmin):
    """People by address."""

    form = ChangedUserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("email",)
    list_display = ("email", "first_name", "last_name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("email", "first_name", "last_name")
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password", "must_change_password")}),
        ("Name", {"fields": ("first_name", "last_name")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    actions = ("remove_factors",)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Leave the address of somebody who is there to them: allauth keeps it with what proves it."""
        return (*super().get_readonly_fields(request, obj), *(["email"] if obj else []))

    @admin.action(description="Remove second factors (for somebody who lost theirs)", permissions=["change"])
    def remove_factors(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        """Let people in by their password alone, who have lost all that they had besides."""
        for user in chosen:
            remove_second_factors(user)
            self.log_change(request, user, "Second factors removed")
        self.message_user(request, "Their password alone signs them in until they set up a new one.")
