"""allauth's forms, in plain words; what they do beyond that are calls of the rules."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_factors_adapter
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from accounts.addresses import as_compared, confirm_by_mail
from accounts.models import User
from accounts.used_codes import use_code

PASSWORD_HELP = "At least 10 characters, and none of the common ones."  # noqa: S105 (words, no password)
CODE_HELP = "Of your authenticator app, or one of your recovery codes."


class _Plain(forms.BaseForm):
    """Labels in the hub's words, help where it helps, and no placeholder that repeats the label."""

    labels: ClassVar[dict[str, str]] = {}
    helps: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.helps.get(name, field.help_text)


class LoginForm(_Plain, account.LoginForm):
    labels = {"login": "E-mail address"}

    def clean_login(self) -> str:
        """Return the address in the form in which it is compared."""
        return as_compared(super().clean_login())


class SignupForm(_Plain, account.SignupForm):
    labels = {"email": "E-mail address", "password2": "The same password again"}
    helps = {"password1": PASSWORD_HELP}

    def clean_email(self) -> str:
        """Refuse an address that was not invited, where others may not sign up."""
        email: str = super().clean_email()
        if not get_adapter().may_sign_up(context.request, email):
            raise get_adapter().validation_error("invited_elsewhere")
        return email

    def validate_unique_email(self, value: str) -> str:
        """Note whether an account has this address; one that somebody only wants to change to is free."""
        self.account_already_exists = User.objects.filter(email=value).exists()
        return value

    def try_save(self, request: HttpRequest) -> Any:
        """Make the account, or do what takes as long and tell the address's owner by mail."""
        if not self.account_already_exists:
            try:
                with transaction.atomic():
                    return super().try_save(request)
            except IntegrityError:  # somebody signed up with this address just now
                self.account_already_exists = True
        else:
            User().set_password(self.cleaned_data["password1"])
        return super().try_save(request)


class AddEmailForm(_Plain, account.AddEmailForm):
    labels = {"email": "New e-mail address"}
    helps = {"email": "A mail to it has a link to follow. Until then your address stays as it is."}


class ResetPasswordForm(_Plain, account.ResetPasswordForm):
    labels = {"email": "E-mail address"}

    def clean_email(self) -> str:
        """Look up whose address it is, not who only wants to change to it."""
        email = as_compared(self.cleaned_data["email"])
        self.users = list(User.objects.filter(email=email, is_active=True))
        return email


class ResetPasswordKeyForm(_Plain, account.ResetPasswordKeyForm):
    labels = {"password1": "New password", "password2": "The same password again"}
    helps = {"password1": PASSWORD_HELP}

    def save(self) -> None:
        """Set the password; the link came by mail, so that the address is proven too."""
        super().save()
        confirm_by_mail(self.user, context.request)


class ChangePasswordForm(_Plain, account.ChangePasswordForm):
    labels = {
        "oldpassword": "Current password",
        "password1": "New password",
        "password2": "The same password again",
    }
    helps = {"password1": PASSWORD_HELP, "oldpassword": ""}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.user.must_change_password:
            del self.fields["oldpassword"]  # they typed it just now, to sign in

    def clean_password1(self) -> str:
        """Refuse the password that they have."""
        password: str = self.cleaned_data["password1"]
        if self.user.check_password(password):
            raise get_adapter().validation_error("same_as_current")
        return password


class SetPasswordForm(_Plain, account.SetPasswordForm):
    labels = {"password2": "The same password again"}
    helps = {"password1": PASSWORD_HELP}


class ReauthenticatePasswordForm(_Plain, account.ReauthenticateForm):
    helps = {"password": ""}


class _Once:
    """Takes each code once. allauth remembers a code for one time step, and takes it for three."""

    user: User

    def clean_code(self) -> str:
        """Return a code that is right and was not used before."""
        code: str = super().clean_code()  # type: ignore[misc]
        if not use_code(self.user, code):
            raise get_factors_adapter().validation_error("incorrect_code")
        return code


class AuthenticateForm(_Once, _Plain, mfa.AuthenticateForm):
    helps = {"code": CODE_HELP}


class ReauthenticateForm(_Once, _Plain, mfa.ReauthenticateForm):
    helps = {"code": CODE_HELP}


class ActivateTotpForm(_Once, _Plain, totp.ActivateTOTPForm):
    labels = {"code": "Code that the app shows"}


class _Credential:
    """Has a credential that is none refused, of which allauth and fido2 take some apart unasked."""

    def clean_credential(self) -> Any:
        """Return what allauth makes of what the browser sent."""
        with _refused_as_passkey():
            inherited: Any = getattr(super(), "clean_credential", None)
            return inherited() if inherited else self.cleaned_data["credential"]  # type: ignore[attr-defined]

    def clean(self) -> Any:
        """Do allauth's checks of the whole."""
        with _refused_as_passkey():
            return super().clean()  # type: ignore[misc]


@contextmanager
def _refused_as_passkey() -> Iterator[None]:
    """Refuse what is malformed, and speak of a passkey where allauth speaks of a code."""
    try:
        yield
        return
    except forms.ValidationError as refusal:
        if refusal.code != "incorrect_code":
            raise
    except (LookupError, TypeError, ValueError, AttributeError):
        pass
    raise get_factors_adapter().validation_error("unknown_passkey")


class LoginPasskeyForm(_Credential, webauthn.LoginWebAuthnForm): ...


class AuthenticatePasskeyForm(_Credential, webauthn.AuthenticateWebAuthnForm): ...


class ReauthenticatePasskeyForm(_Credential, webauthn.ReauthenticateWebAuthnForm): ...


class AddPasskeyForm(_Credential, _Plain, webauthn.AddWebAuthnForm):
    labels = {"passwordless": "Sign in with it alone"}
    helps = {
        "name": "So that you know it again in the list.",
        "passwordless": (
            "It then asks for your fingerprint, face or PIN, and replaces the password. "
            "Without this it is asked for after the password."
        ),
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        options["initial"] = {"passwordless": True, **options.get("initial", {})}
        super().__init__(*args, **options)
