"""Resetting a password by mail, which is also how one gets a first one."""

from django.core import mail
from django.urls import reverse

from accounts.addresses import is_proven
from accounts.models import User
from realms.models import Realm
from tests.accounts.person import OTHER_PASSWORD, Person, links_in_mail, new_browser


def reset(person: Person, password: str) -> str:
    """Go through the mail and the page; return where it leads."""
    person.post("account_reset_password", email=person.email)
    form = person.browser.get(links_in_mail()[0]).url
    return str(person.browser.post(form, {"password1": password, "password2": password}).url)


def test_the_link_leads_to_a_new_password_and_in(alice: Person) -> None:
    assert reset(alice, OTHER_PASSWORD) == "/"

    assert alice.is_signed_in()
    alice.post("account_logout")
    assert "do not match" in alice.sign_in().content.decode()
    alice.sign_in(OTHER_PASSWORD)
    assert alice.is_signed_in()


def test_it_ends_every_session_there_is(alice: Person) -> None:
    thief = Person(alice.email)
    thief.sign_in()
    assert thief.is_signed_in()

    reset(alice, OTHER_PASSWORD)

    assert not thief.is_signed_in()


def test_the_link_works_once(alice: Person) -> None:
    reset(alice, OTHER_PASSWORD)
    alice.browser = new_browser()
    [link] = [link for sent in mail.outbox[:1] for link in links_of(str(sent.body))]

    assert "does not work" in alice.browser.get(link).content.decode()


def links_of(body: str) -> list[str]:
    """Return the links to the page of a new password."""
    return [word.removeprefix("http://testserver") for word in body.split() if "/password/reset/key/" in word]


def test_it_proves_the_address(zoe: Person) -> None:
    zoe.sign_up()
    zoe.browser = new_browser()
    assert not is_proven(zoe.user)

    reset(zoe, OTHER_PASSWORD)

    assert is_proven(zoe.user)
    assert zoe.is_signed_in()
    assert Realm.objects.get().owner == zoe.user, "as if the first mail's link had been followed"


def test_who_was_made_without_a_password_gets_one(zoe: Person) -> None:
    User.objects.create_user(zoe.email)

    reset(zoe, OTHER_PASSWORD)

    assert zoe.is_signed_in()


def test_it_does_not_replace_the_second_factor(alice: Person) -> None:
    alice.set_up_totp()

    assert reset(alice, OTHER_PASSWORD) == reverse("mfa_authenticate")
    assert not alice.is_signed_in()


def test_the_link_is_at_the_hubs_origin(alice: Person) -> None:
    alice.browser.post(
        reverse("account_reset_password"), {"email": alice.email}, headers={"host": "localhost:666"}
    )

    assert "http://testserver/accounts/password/reset/key/" in mail.outbox[0].body
    assert "666" not in mail.outbox[0].body


def test_a_made_up_link_is_no_fault(alice: Person) -> None:
    for uid, key in (("1", "garbage"), ("zzzzzzzzzzzzzzzzzzzzzz", "a-b"), ("0", "x"), ("1", "set-password")):
        page = alice.get("account_reset_password_from_key", uid, key)
        assert page.status_code == 200
        assert "does not work" in page.content.decode()
