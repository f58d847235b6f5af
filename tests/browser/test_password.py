"""Passwords in the browser: forgotten, changed, made by somebody else, and by keyboard alone."""

from playwright.sync_api import Keyboard

from accounts.models import User
from tests.accounts.person import OTHER_PASSWORD, PASSWORD, Person, new_person
from tests.browser.account import choose_password, is_signed_in, open_mail, show_password, sign_in, sign_out
from tests.browser.conftest import Windows
from tests.browser.window import Window
from tests.client import Client

ATTEMPTS = 10


def test_a_forgotten_password_is_replaced_by_mail(windows: Windows, person: Person) -> None:
    window = windows.open()
    window.go("/accounts/login/")
    window.follow("Forgot your password?")
    window.check("reset")
    window.fill("E-mail address", person.email)
    window.press("Send the mail")
    window.says("Look into your mail")
    window.check("reset-sent")

    link = open_mail(window)
    window.says("Choose a password")
    window.check("reset-choose")
    choose_password(window, "New password", "short")
    window.press("Set the password")
    window.says("too short")
    choose_password(window, "New password", OTHER_PASSWORD)
    window.press("Set the password")
    window.says("Your password is set")

    sign_out(window)
    window.go(link)
    window.says("This link does not work")
    window.check("reset-choose-again")
    sign_in(window, person, PASSWORD)
    window.says("do not match")
    sign_in(window, person, OTHER_PASSWORD)
    is_signed_in(window, person)


def test_password_and_address_are_changed(windows: Windows, person: Person) -> None:
    window = windows.open()
    sign_in(window, person)
    window.follow(person.email)
    window.check("account")
    window.follow("Change the password")
    window.check("password-change")
    window.fill("Current password", "wrong")
    choose_password(window, "New password", OTHER_PASSWORD)
    window.press("Set the password")
    window.says("This is not your password")
    window.fill("Current password", PASSWORD)
    choose_password(window, "New password", OTHER_PASSWORD)
    window.press("Set the password")

    window.follow("Change the address")
    window.check("address")
    window.fill("New e-mail address", "paul@example.com")
    window.press("Change the address")
    window.says("Show that it is you")
    window.check("reauthenticate")
    show_password(window, OTHER_PASSWORD)
    window.says("Waiting for paul@example.com")
    window.check("address-waits")
    open_mail(window)
    window.press("Confirm")
    window.says("paul@example.com")

    sign_out(window)
    sign_in(window, person, OTHER_PASSWORD)
    window.says("do not match")
    person.email = "paul@example.com"
    sign_in(window, person, OTHER_PASSWORD)
    is_signed_in(window, person)


def test_who_has_none_sets_one(windows: Windows) -> None:
    user = User.objects.create_user("nora@example.com")
    window = windows.open(user)
    window.go("/accounts/me")
    window.says("You have none")
    window.follow("Set a password")
    window.check("password-set")

    choose_password(window, "Password", OTHER_PASSWORD)
    window.press("Set the password")

    window.says("Your password is set")
    user.refresh_from_db()
    assert user.check_password(OTHER_PASSWORD)


def test_a_one_time_password_opens_nothing_but_the_choice_of_ones_own(windows: Windows) -> None:
    owner = new_person("owner", is_staff=True, is_superuser=True, must_change_password=True)
    window = windows.open()
    sign_in(window, owner)
    window.says("Choose your own password")
    window.check("one-time-password")
    for path in ("/admin/", "/docs", "/accounts/me", "/accounts/2fa/", "/"):
        window.go(path)
        window.says("Choose your own password")

    choose_password(window, "New password", OTHER_PASSWORD)
    window.press("Set the password")

    sign_out(window)
    sign_in(window, owner, OTHER_PASSWORD)
    is_signed_in(window, owner)


def tab_to(window: Window, name: str) -> Keyboard:
    """Press Tab until the field of this name has the focus."""
    for _ in range(20):
        window.page.keyboard.press("Tab")
        if window.page.evaluate("document.activeElement.name") == name:
            return window.page.keyboard
    raise AssertionError(f"Tab does not come to {name}")


def test_signing_in_and_changing_the_password_need_a_keyboard_alone(windows: Windows, person: Person) -> None:
    window = windows.open()
    window.go("/accounts/login/?next=/accounts/password/change/")
    for name, text in (("login", person.email), ("password", PASSWORD)):
        tab_to(window, name).type(text)
    window.page.keyboard.press("Enter")
    window.says("Changing it signs you out everywhere else")

    for name, text in (
        ("oldpassword", PASSWORD),
        ("password1", OTHER_PASSWORD),
        ("password2", OTHER_PASSWORD),
    ):
        tab_to(window, name).type(text)
    window.page.keyboard.press("Enter")

    window.says("Account")
    assert person.user.check_password(OTHER_PASSWORD)


def test_a_closed_account_says_so(windows: Windows) -> None:
    window = windows.open()

    sign_in(window, new_person("clara", is_active=False))

    window.says("This account is closed")
    window.check("account-closed")


def test_too_many_attempts_are_told_to_wait(windows: Windows, person: Person) -> None:
    person.browser = Client()  # at the window's address
    for _ in range(ATTEMPTS):
        person.sign_in("wrong")
    window = windows.open()

    sign_in(window, person)

    window.says("Too many attempts")
    window.forgive("429")
    window.check("too-many-attempts")
    window.follow("try again")
    window.says("Forgot your password?")
