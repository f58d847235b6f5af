"""Signing up in the browser: into one's first realm, and what strangers cannot learn on the way."""

import pytest
from django.core import mail
from playwright.sync_api import expect
from pytest_django import Settings

from tests.accounts.person import PASSWORD, Person, new_person
from tests.browser.account import open_mail, sign_in, sign_up
from tests.browser.conftest import Windows


@pytest.fixture(autouse=True)
def anybody_may_sign_up(settings: Settings) -> None:
    settings.HUB_OPEN_SIGN_UP = True


def test_somebody_new_comes_from_sign_up_into_their_first_realm(windows: Windows) -> None:
    zoe = windows.open()
    zoe.go("/accounts/login/")
    zoe.check("login")
    zoe.follow("Make an account")
    zoe.check("sign-up")
    sign_up(zoe, "Zoe@Example.com")
    zoe.says("Look into your mail")
    zoe.check("sign-up-sent")
    assert mail.outbox[0].to == ["zoe@example.com"]

    open_mail(zoe)
    zoe.says("Is zoe@example.com your address?")
    zoe.check("confirm-address")
    zoe.press("Confirm")

    zoe.says("Three steps in a terminal")
    assert zoe.page.url.endswith("/start")
    open_mail(zoe)
    zoe.says("This link does not work")
    zoe.check("confirm-address-again")


def test_in_another_browser_the_link_leads_to_the_sign_in(windows: Windows) -> None:
    zoe = Person("zoe@example.com")
    laptop, phone = windows.open(), windows.open()
    sign_up(laptop, zoe.email)
    laptop.says("Look into your mail")

    open_mail(phone)
    phone.press("Confirm")
    phone.says("zoe@example.com is confirmed")
    assert phone.page.url.endswith("/accounts/login/")
    sign_in(laptop, zoe)

    laptop.says("Three steps in a terminal")


@pytest.mark.parametrize("form", ["signup", "password/reset"])
def test_the_pages_do_not_tell_who_has_an_account(windows: Windows, form: str) -> None:
    known = new_person("alice").email
    seen = []
    for email in (known, "nobody@example.com"):
        window = windows.open()
        window.go(f"/accounts/{form}/")
        window.fill("E-mail address", email)
        for field in window.page.locator("input[type=password]").all():
            field.fill(PASSWORD)
        window.page.locator("main button.primary").click()
        window.says("Look into your mail")
        seen.append((window.page.url, window.page.locator("body").inner_text()))

    assert seen[0] == seen[1]
    assert [message.to for message in mail.outbox] == [[known], ["nobody@example.com"]]


def test_a_hub_that_is_closed_says_so(windows: Windows, settings: Settings) -> None:
    settings.HUB_OPEN_SIGN_UP = False
    zoe = windows.open()
    zoe.go("/accounts/login/")
    expect(zoe.page.get_by_role("link", name="Make an account")).to_have_count(0)

    zoe.go("/accounts/signup/")

    zoe.says("Sign-up is closed")
    zoe.check("sign-up-closed")
