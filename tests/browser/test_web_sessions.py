"""Two windows of one person: where they are signed in, and signing out there."""

from playwright.sync_api import expect

from tests.accounts.person import Person
from tests.browser.account import is_signed_in, sign_in
from tests.browser.conftest import Windows


def test_one_window_signs_out_the_others(windows: Windows, person: Person) -> None:
    laptop, phone = windows.open(), windows.open()
    for window in (laptop, phone):
        sign_in(window, person)
        is_signed_in(window, person)

    laptop.go("/accounts/sessions/")
    rows = laptop.page.get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.filter(has_text="this one")).to_have_count(1)
    laptop.check("web-sessions")
    laptop.press("Sign out everywhere else")
    expect(rows).to_have_count(2)

    phone.follow(person.email)
    phone.says("Forgot your password?")
    sign_in(phone, person)
    phone.go("/accounts/sessions/")
    phone.press("Sign out everywhere")
    phone.says("Signed out")
    laptop.follow("Address")
    laptop.says("Forgot your password?")


def test_the_page_that_signs_out_asks_first(windows: Windows, person: Person) -> None:
    window = windows.open()
    sign_in(window, person)
    is_signed_in(window, person)

    window.go("/accounts/logout/")
    window.check("sign-out")
    window.page.locator("main").get_by_role("button", name="Sign out").click()

    window.says("Forgot your password?")
