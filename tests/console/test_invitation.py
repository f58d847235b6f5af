"""The page at an invitation's link."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from realms.members.models import Invitation, Role
from realms.models import Realm
from tests.accounts import person as account
from tests.client import Client
from tests.console.people import words_of
from tests.members.people import Invited, ended, invited, proven, role_of, unproven
from tests.rows import set_realm


@pytest.fixture
def offer(realm: Realm) -> Invited:
    """Nora's invitation to Alice's realm."""
    return invited(realm, "nora", Role.ADMIN)


def path_of(offer: Invited) -> str:
    """Return the path of an invitation's link."""
    return reverse("invitation", args=[offer.token])


def browser_of(user: User) -> Client:
    """Return somebody's browser."""
    browser = Client()
    browser.force_login(user)
    return browser


def test_who_is_not_signed_in_is_told_what_it_is_and_where_to_go(offer: Invited) -> None:
    browser = Client()

    answer = browser.get(path_of(offer))

    page = answer.content.decode()
    assert "alice@example.com" in page
    assert "default" in page
    back = quote(path_of(offer), safe="")
    assert page.count(f'href="/accounts/login/?next={back}"') == 2, "in the header too"
    assert f"/accounts/signup/?next={back}" in page
    assert browser.cookies["invitation"].value == offer.token, "sign-up is open"
    assert "nora" not in page, "the link tells whom it was sent to"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "same-origin"


def test_whoever_has_the_address_joins(offer: Invited) -> None:
    nora = proven("nora")
    browser = browser_of(nora)
    assert "Join default" in browser.get(path_of(offer)).content.decode()
    assert role_of(offer.invitation.realm, nora) is None, "not by looking"

    answer = browser.post(path_of(offer))

    assert answer["Location"] == reverse("realm", args=[offer.invitation.realm_id])
    assert role_of(offer.invitation.realm, nora) == "admin"
    assert browser.get(path_of(offer)).status_code == 404


@pytest.mark.parametrize("who", ["another", "unproven"])
def test_whoever_has_not_is_told_so_and_no_more(offer: Invited, who: str) -> None:
    person = proven("nick") if who == "another" else unproven("nora")
    browser = browser_of(person)

    page = browser.get(path_of(offer)).content.decode()
    refused = browser.post(path_of(offer))

    assert "another address" in page
    assert "Join default" not in page
    assert refused.status_code == 403
    assert Invitation.objects.count() == 1
    if who == "another":
        assert "nora" not in page + refused.content.decode()


def test_nobody_joins_without_signing_in(offer: Invited) -> None:
    answer = Client().post(path_of(offer))

    assert answer.status_code == 200
    assert "Sign in" in answer.content.decode()
    assert Invitation.objects.count() == 1


def test_a_link_that_ended_is_as_one_that_never_was(offer: Invited) -> None:
    browser = Client()
    browser.get(path_of(offer))
    ended(offer.invitation)

    answers = {
        words_of(browser.get(path))
        for path in (path_of(offer), "/invitations/x", "/invitations/" + "x" * 5000, "/invitations/%00")
    }

    assert len(answers) == 1
    assert "has ended" in answers.pop()
    assert browser.get(path_of(offer)).status_code == 404
    assert not browser.cookies["invitation"].value, "and sign-up is not open any more"


def test_a_suspended_realm_is_joined_later(offer: Invited) -> None:
    browser = browser_of(proven("nora"))
    set_realm(offer.invitation.realm, status=Realm.Status.SUSPENDED)
    assert browser.post(path_of(offer)).status_code == 403

    set_realm(offer.invitation.realm, status=Realm.Status.ACTIVE)

    assert browser.post(path_of(offer)).status_code == 302


def test_a_form_from_elsewhere_joins_nobody(offer: Invited) -> None:
    browser: Any = Client(enforce_csrf_checks=True)
    browser.force_login(proven("nora"))

    assert browser.post(path_of(offer)).status_code == 403
    assert Invitation.objects.count() == 1


def test_somebody_new_comes_from_the_mail_into_the_realm(offer: Invited, settings: Settings) -> None:
    """Sign-up is closed to everybody else, and no other realm is made for whoever is invited."""
    settings.HUB_OPEN_SIGN_UP = False
    nora = account.Person("nora@example.com")
    assert "by invitation" in nora.sign_up().content.decode()

    nora.browser.get(path_of(offer))
    nora.sign_up()
    [confirm, *_] = account.links_in_mail()
    nora.browser.post(confirm)
    if not nora.is_signed_in():
        nora.sign_in()
    joined = nora.browser.post(path_of(offer))

    assert joined["Location"] == reverse("realm", args=[offer.invitation.realm_id])
    assert nora.browser.get(joined["Location"]).status_code == 200
    assert role_of(offer.invitation.realm, nora.user) == "admin"
    assert Realm.objects.count() == 1
    assert not nora.browser.cookies["invitation"].value
    other = account.Person("nick@example.com", browser=nora.browser)
    nora.browser.logout()
    assert "by invitation" in other.sign_up().content.decode()


def test_an_invitation_opens_sign_up_for_its_own_address_alone(offer: Invited, settings: Settings) -> None:
    settings.HUB_OPEN_SIGN_UP = False
    nora = account.Person("Nora@Example.com")
    nora.browser.get(path_of(offer))
    nick = account.Person("nick@example.com", browser=nora.browser)

    assert "The invitation is for another address" in nick.sign_up().content.decode()

    assert not User.objects.filter(email=nick.email).exists()
    assert nora.sign_up().status_code == 302
    assert User.objects.filter(email="nora@example.com").exists()


@pytest.mark.parametrize("end", [ended, Invitation.delete])
def test_an_invitation_that_ended_since_opens_sign_up_no_more(
    offer: Invited, settings: Settings, end: Callable[[Invitation], object]
) -> None:
    settings.HUB_OPEN_SIGN_UP = False
    nora = account.Person("nora@example.com")
    nora.browser.get(path_of(offer))
    end(offer.invitation)

    assert "by invitation" in nora.sign_up().content.decode()
    assert not User.objects.filter(email=nora.email).exists()


def test_somebody_new_without_an_invitation_gets_a_realm(db: None, settings: Settings) -> None:
    settings.HUB_OPEN_SIGN_UP = True
    zoe = account.Person("zoe@example.com")
    zoe.sign_up()
    assert not Realm.objects.exists()

    zoe.browser.post(account.links_in_mail()[0])

    assert [(realm.slug, realm.owner.email) for realm in Realm.objects.all()] == [("default", zoe.email)]
