"""Passkeys in the browser, whose virtual authenticator stands for the device."""

import pytest
from allauth.mfa.models import Authenticator

from tests.accounts.person import Person
from tests.browser.account import is_signed_in, show_password, sign_in, sign_out
from tests.browser.conftest import Windows
from tests.browser.window import Window

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def window(windows: Windows) -> Window:
    """A window of a device that can keep passkeys, as at a fingerprint that fits."""
    window = windows.open()
    device = window.context.new_cdp_session(window.page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return window


def test_a_passkey_is_added_signs_in_alone_and_is_removed(window: Window, person: Person) -> None:
    sign_in(window, person)
    window.go("/accounts/2fa/webauthn/")
    window.check("passkeys-none")
    window.follow("Add a passkey")
    show_password(window)
    window.check("passkey-add")
    window.fill("Name", "laptop")
    window.press("Add")
    window.says("Recovery codes")
    assert Authenticator.objects.filter(type="webauthn").count() == 1

    sign_out(window)
    window.press("Sign in with a passkey")
    is_signed_in(window, person)

    window.go("/accounts/2fa/")
    window.check("factors-passkey")
    window.follow("Manage")
    window.check("passkeys")
    window.follow("Rename")
    window.says("Show that it is you")
    window.check("reauthenticate-choice")
    window.follow("Use a passkey")
    window.check("reauthenticate-passkey")
    window.press("Use a passkey")
    window.says("Rename a passkey")
    window.check("passkey-rename")
    window.fill("Name", "old laptop")
    window.press("Save")
    window.says("old laptop")
    window.follow("Remove")
    window.check("passkey-remove")
    window.press("Remove")
    window.says("You have no passkey")

    sign_out(window)
    window.press("Sign in with a passkey")
    window.says("This passkey was not accepted")
    sign_in(window, person)
    is_signed_in(window, person)


def test_it_is_asked_for_after_the_password(
    windows: Windows, window: Window, server: str, person: Person
) -> None:
    sign_in(window, person)
    window.go("/accounts/2fa/webauthn/add/")
    show_password(window)
    window.page.get_by_label("Sign in with it alone").uncheck()
    window.fill("Name", "key")
    window.page.keyboard.press("Enter")
    window.says("Recovery codes")
    sign_out(window)

    sign_in(window, person)
    window.says("Second factor")
    window.check("second-factor-passkey")
    window.press("Use a passkey")
    is_signed_in(window, person)

    by_number = windows.open(base_url=server)
    sign_in(by_number, person)
    by_number.says("Browsers keep no passkeys for a numeric address")


def test_where_the_device_has_none_the_page_says_so(window: Window) -> None:
    window.go("/accounts/login/")

    window.press("Sign in with a passkey")

    window.says("Your browser gave no passkey")
    window.check("passkey-missing")


def test_at_an_ip_address_the_page_says_why_not(windows: Windows, server: str, person: Person) -> None:
    window = windows.open(base_url=server)
    sign_in(window, person)
    window.go("/accounts/2fa/webauthn/add/")
    show_password(window)

    window.says("Browsers keep no passkeys for a numeric address")
    window.check("passkey-numeric-address")
    window.follow(server.replace("127.0.0.1", "localhost"))
    window.says("Sign in")
