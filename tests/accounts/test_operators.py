"""Operators enter the admin by the one sign-in there is, and in the hosted mode with a second factor."""

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse
from pytest_django import Settings

from tests.accounts.person import OTHER_PASSWORD, Person, code_of, new_browser, new_person

ADMIN = "/admin/accounts/user/"
ATTEMPTS = 10


@pytest.fixture
def olivia(db: None) -> Person:
    """Olivia, who runs the hub."""
    return new_person("olivia", is_staff=True, is_superuser=True)


def way(person: Person, path: str = ADMIN) -> list[str]:
    """Return the paths that a page of the admin leads through."""
    answer = person.browser.get(path, follow=True)
    return [path.split("?")[0] for path, _ in answer.redirect_chain]


def test_the_admin_leads_to_the_sign_in_and_back(olivia: Person) -> None:
    assert way(olivia) == ["/admin/login/", reverse("account_login")]

    assert olivia.sign_in(next=ADMIN).url == ADMIN
    assert olivia.user.is_staff


def test_embedded_the_password_is_enough(olivia: Person, settings: Settings) -> None:
    settings.HUB_EMBEDDED = True
    olivia.sign_in()

    assert olivia.browser.get(ADMIN).status_code == 200


def test_hosted_it_is_not(olivia: Person, hosted: None) -> None:
    olivia.sign_in()

    assert way(olivia) == ["/admin/login/", reverse("mfa_index")]
    assert "needs a second factor" in olivia.browser.get(ADMIN, follow=True).content.decode()


def test_hosted_one_that_is_set_up_has_to_be_shown_in_the_session(
    olivia: Person, hosted: None, still: None
) -> None:
    olivia.sign_in()
    olivia.set_up_totp()  # in another browser

    assert way(olivia)[:2] == ["/admin/login/", reverse("mfa_reauthenticate")]

    answer = olivia.browser.post(
        f"{reverse('mfa_reauthenticate')}?next={ADMIN}", {"code": code_of(olivia.secret)}
    )
    assert answer.url == ADMIN
    assert olivia.browser.get(ADMIN).status_code == 200


def test_hosted_one_that_was_shown_at_the_sign_in_is_enough(olivia: Person, hosted: None) -> None:
    olivia.sign_in_with_second_factor()

    assert olivia.browser.get(ADMIN).status_code == 200


def test_hosted_one_that_was_removed_is_none(olivia: Person, hosted: None) -> None:
    olivia.sign_in_with_second_factor()
    Authenticator.objects.all().delete()

    assert way(olivia) == ["/admin/login/", reverse("mfa_index")]


def test_others_are_refused(alice: Person) -> None:
    alice.sign_in()

    answer = alice.browser.get(ADMIN, follow=True)

    assert answer.status_code == 403
    assert "not for your account" in answer.content.decode()


def test_there_is_no_second_form_to_guess_at(olivia: Person) -> None:
    """Attempts at the admin's own form would count for themselves."""
    sent = {"username": olivia.email, "password": olivia.password}

    assert olivia.browser.post("/admin/login/", sent).url.startswith(reverse("account_login"))
    assert not olivia.is_signed_in()


def test_too_many_attempts_are_refused_right_ones_too(olivia: Person) -> None:
    for _ in range(ATTEMPTS):
        olivia.sign_in("wrong", next=ADMIN)

    assert olivia.sign_in(next=ADMIN).status_code == 429
    olivia.browser = new_browser()
    assert olivia.sign_in(next=ADMIN).url == ADMIN, "from elsewhere it works"


def test_the_admin_signs_out_of_everything(olivia: Person) -> None:
    olivia.sign_in_with_second_factor()

    assert olivia.browser.post("/admin/logout/").url == reverse("account_login")
    assert not olivia.is_signed_in()


def test_the_admins_own_password_page_leads_to_the_accounts(olivia: Person, hosted: None) -> None:
    olivia.sign_in_with_second_factor()

    assert olivia.browser.get("/admin/password_change/").url == reverse("account_change_password")


def test_a_password_that_an_operator_sets_can_be_for_once(
    olivia: Person, alice: Person, hosted: None
) -> None:
    olivia.sign_in_with_second_factor()
    page = f"{ADMIN}{alice.user.pk}/"
    sent = {"password1": OTHER_PASSWORD, "password2": OTHER_PASSWORD, "usable_password": "true"}
    assert olivia.browser.post(f"{page}password/", sent).status_code == 302

    assert (
        olivia.browser.post(f"{page}change/", {"must_change_password": "on", "is_active": "on"}).status_code
        == 302
    )

    alice.sign_in(OTHER_PASSWORD)
    assert alice.get("account")["Location"].startswith(reverse("account_change_password"))
