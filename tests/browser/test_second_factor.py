"""An authenticator app and recovery codes in the browser: set up, used, and turned off."""

import time

import time_machine
from playwright.sync_api import expect

from tests.accounts.person import TOTP_SECONDS, Person, code_of
from tests.browser.account import is_signed_in, show_password, sign_in, sign_out
from tests.browser.conftest import Windows
from tests.browser.window import Window


def enter(window: Window, label: str, secret: str, button: str, then: str, *, later: int = 0) -> None:
    """Send what the app shows, now or later, while time stands so that it is good until it is sent."""
    with time_machine.travel(time.time() + later, tick=False):
        window.fill(label, code_of(secret))
        window.press(button)
        window.says(then)


def use_code(window: Window, person: Person, code: str) -> None:
    """Sign in with a recovery code after the password."""
    sign_in(window, person)
    window.fill("Code", code)
    window.press("Sign in")


def test_an_app_is_set_up_asked_for_and_turned_off(windows: Windows, person: Person) -> None:
    window = windows.open(accept_downloads=True)
    sign_in(window, person)
    window.go("/accounts/2fa/")
    window.check("factors-none")
    window.follow("Set up")
    show_password(window)
    window.check("app-set-up")
    window.fill("Code that the app shows", "000000")
    window.press("Turn on")
    window.says("not accepted")
    window.page.get_by_text("Or type the key").click()
    secret = window.page.locator("#totp-key").inner_text()
    enter(window, "Code that the app shows", secret, "Turn on", "Recovery codes")
    window.says("10 of 10 are left")
    window.check("recovery-codes")
    codes = window.page.locator("#codes").inner_text().split()
    assert set(codes) <= set(window.download("Download").read_text().split())

    sign_out(window)
    sign_in(window, person)
    window.says("Second factor")
    expect(window.page.get_by_role("button", name="Use a passkey")).to_have_count(0)
    window.check("second-factor")
    enter(window, "Code", secret, "Sign in", "Your realms", later=TOTP_SECONDS)
    sign_out(window)
    use_code(window, person, codes[0])
    is_signed_in(window, person)
    sign_out(window)
    use_code(window, person, codes[0])
    window.says("not accepted")
    window.press("Cancel")
    window.says("Forgot your password?")
    use_code(window, person, codes[1])

    window.go("/accounts/2fa/")
    window.says("8 left")
    window.check("factors-app")
    window.follow("Make new ones")
    window.follow("Use a code of your app, or a recovery code")
    window.check("reauthenticate-code")
    window.fill("Code", codes[2])
    window.press("Go on")
    expect(window.page.get_by_role("button", name="Make new ones")).to_be_visible()
    window.check("recovery-codes-new")
    window.press("Make new ones")
    window.says("10 of 10 are left")
    assert not set(codes) & set(window.page.locator("#codes").inner_text().split())
    window.go("/accounts/2fa/")
    window.follow("Turn off")
    window.check("app-turn-off")
    window.press("Turn off")
    window.says("An app on your phone shows")
    sign_out(window)
    sign_in(window, person)
    is_signed_in(window, person)
