"""Proving that an address is one's own."""

from django.core import mail
from django.urls import reverse

from accounts.addresses import is_proven
from accounts.models import User
from tests.accounts.person import Person, links_in_mail, new_browser, new_person


def test_the_link_confirms_and_signs_in_who_signed_up(zoe: Person) -> None:
    zoe.sign_up()
    [link, *_] = links_in_mail()

    assert zoe.browser.post(link).status_code == 302

    assert is_proven(zoe.user)
    assert zoe.is_signed_in()


def test_looking_at_the_link_confirms_nothing(zoe: Person) -> None:
    """Mail programs look at links before people do."""
    zoe.sign_up()

    assert zoe.browser.get(links_in_mail()[0]).status_code == 200

    assert not is_proven(zoe.user)


def test_another_browser_confirms_but_is_not_signed_in(zoe: Person) -> None:
    zoe.sign_up()
    other = new_browser()

    assert other.post(links_in_mail()[0]).url == reverse("account_login")

    assert is_proven(zoe.user)
    assert other.get(reverse("account")).status_code == 302


def test_the_link_works_once_and_a_made_up_one_never(zoe: Person) -> None:
    zoe.sign_up()
    [link, *_] = links_in_mail()
    zoe.browser.post(link)

    for path in (link, link[:-3] + "x/", reverse("account_confirm_email", args=["a:b:c"])):
        assert "does not work" in zoe.browser.get(path).content.decode()


def test_without_it_there_is_no_signing_in(zoe: Person) -> None:
    zoe.sign_up()
    zoe.browser = new_browser()

    assert zoe.sign_in().url == reverse("account_email_verification_sent")
    assert not zoe.is_signed_in()


def test_who_runs_the_hub_vouches_for_whom_they_make(db: None) -> None:
    for made in (
        User.objects.create_user("olga@localhost", "a good password"),
        User.objects.create_superuser("root@localhost", "a good password"),
    ):
        assert is_proven(made)
    person = Person("olga@localhost", "a good password")
    person.sign_in()
    assert person.is_signed_in()
    assert not mail.outbox


def test_an_address_that_became_anothers_meanwhile_is_refused(alice: Person) -> None:
    alice.sign_in()
    alice.show_password_again()
    alice.post("account_email", action_add="", email="late@example.com")
    [link, *_] = links_in_mail()
    new_person("late")

    shown = alice.browser.post(link, follow=True).content.decode()

    assert "another account has it" in shown
    assert alice.user.email == "alice@example.com"
