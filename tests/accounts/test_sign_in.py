"""Signing in and out."""

from django.conf import settings
from django.urls import reverse

from tests.accounts.person import Person


def test_address_and_password_sign_in(alice: Person) -> None:
    answer = alice.sign_in()

    assert answer.url == "/"
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 14 * 24 * 3600
    assert alice.is_signed_in()


def test_the_address_may_be_typed_in_any_case(alice: Person) -> None:
    alice.email = " ALICE@Example.com"
    alice.sign_in()

    assert alice.is_signed_in()


def test_a_wrong_password_does_not(alice: Person) -> None:
    assert "do not match" in alice.sign_in(alice.password + "x").content.decode()

    assert not alice.is_signed_in()


def test_one_gets_where_one_wanted_to(alice: Person) -> None:
    wanted = alice.get("usersessions_list")
    assert wanted.url == f"{reverse('account_login')}?next={reverse('usersessions_list')}"

    assert alice.sign_in(next=reverse("usersessions_list")).url == reverse("usersessions_list")


def test_one_does_not_get_elsewhere(alice: Person) -> None:
    for address in ("https://evil.example.com/", "//evil.example.com", "javascript:alert(1)"):
        assert alice.sign_in(next=address).url == "/"
        alice.post("account_logout")


def test_a_closed_account_does_not_open(alice: Person) -> None:
    user = alice.user
    user.is_active = False
    user.save()

    assert alice.sign_in().url == reverse("account_inactive")
    assert not alice.is_signed_in()


def test_signing_out_takes_a_post(alice: Person) -> None:
    alice.sign_in()
    alice.get("account_logout")
    assert alice.is_signed_in()

    alice.post("account_logout")
    assert not alice.is_signed_in()


def test_the_account_page_says_how_things_are(alice: Person) -> None:
    alice.set_up_totp()
    alice.sign_in_with_second_factor()

    shown = alice.get("account").content.decode()

    assert alice.email in shown and "confirmed" in shown and "9 left" in shown


def test_a_page_of_ones_own_is_only_for_who_is_signed_in(alice: Person) -> None:
    for name in ("account", "account_email", "account_change_password", "mfa_index", "usersessions_list"):
        assert alice.get(name).url.startswith(reverse("account_login")), name
    for path in (reverse("end_all_sessions"), reverse("end_session", args=[1])):
        assert alice.browser.post(path).url.startswith(reverse("account_login")), path
