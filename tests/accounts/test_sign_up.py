"""Signing up, where it is open."""

from django.core import mail
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from tests.accounts.person import Person, links_in_mail


def test_a_mail_asks_to_confirm_the_address(zoe: Person) -> None:
    assert zoe.sign_up().url == reverse("account_email_verification_sent")

    assert mail.outbox[0].to == [zoe.email]
    [link, *_] = links_in_mail()
    assert zoe.browser.get(link).status_code == 200
    assert not zoe.is_signed_in()
    assert not zoe.user.must_change_password


def test_the_address_is_kept_in_lower_case(zoe: Person) -> None:
    zoe.email = "Zoe@Example.COM"
    zoe.sign_up()

    assert User.objects.get().email == "zoe@example.com"


def test_a_bad_password_is_refused_with_its_reason(zoe: Person) -> None:
    for password, reason in (
        ("short", "too short"),
        ("password123", "too common"),
        ("zoe@example.co", "too similar"),
    ):
        zoe.password = password
        answer = zoe.sign_up()
        assert answer.status_code == 200
        assert reason in answer.content.decode()

    assert not User.objects.exists()


def test_two_passwords_have_to_be_the_same(zoe: Person) -> None:
    sent = {"email": zoe.email, "password1": zoe.password, "password2": zoe.password + "x"}

    assert "the same password" in zoe.post("account_signup", **sent).content.decode()
    assert not User.objects.exists()


def test_garbage_is_no_fault(zoe: Person) -> None:
    for email in ("", "garbage", "a\0b@example.com", "x" * 5_000 + "@example.com", "ü@é.com", "a@b"):
        zoe.email = email
        assert zoe.sign_up().status_code in (200, 302, 400), email
    assert not User.objects.exists()


def test_a_closed_hub_makes_no_account(zoe: Person, settings: Settings) -> None:
    settings.HUB_OPEN_SIGN_UP = False

    assert "by invitation" in zoe.sign_up().content.decode()
    assert not User.objects.exists()
    assert reverse("account_signup") not in zoe.get("account_login").content.decode()
