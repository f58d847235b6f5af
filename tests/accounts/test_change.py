"""Changing one's password and address."""

from django.core import mail
from django.urls import reverse

from accounts.models import User
from tests.accounts.person import OTHER_PASSWORD, Person, links_in_mail, new_browser

NEW = "new@example.com"


def change_password(person: Person, old: str, new: str) -> str:
    answer = person.post_through("account_change_password", oldpassword=old, password1=new, password2=new)
    return str(answer.content.decode())


def test_the_password_changes_and_other_sessions_end(alice: Person) -> None:
    thief = Person(alice.email)
    thief.sign_in()
    alice.sign_in()

    assert "Your password is set." in change_password(alice, alice.password, OTHER_PASSWORD)

    assert alice.is_signed_in()
    assert not thief.is_signed_in()
    assert "password was changed" in mail.outbox[0].subject
    assert OTHER_PASSWORD not in mail.outbox[0].body


def test_the_old_one_has_to_be_right_and_the_new_one_new_and_good(alice: Person) -> None:
    alice.sign_in()

    assert "not your password" in change_password(alice, "wrong", OTHER_PASSWORD)
    assert "another one" in change_password(alice, alice.password, alice.password)
    assert "too short" in change_password(alice, alice.password, "short")
    assert alice.user.check_password(alice.password)


def test_a_new_address_counts_once_it_is_proven(alice: Person) -> None:
    alice.sign_in()
    alice.show_password_again()
    alice.post("account_email", action_add="", email="New@example.com")
    assert alice.user.email == "alice@example.com"
    assert mail.outbox[-1].to == [NEW]

    alice.browser.post(links_in_mail()[0])

    alice.email = NEW
    assert [sent.to for sent in mail.outbox[1:]] == [["alice@example.com"]], "the old address is told"
    alice.browser = new_browser()
    alice.sign_in()
    assert alice.is_signed_in()
    former = Person("alice@example.com")
    former.sign_in()
    assert not former.is_signed_in()


def test_one_may_keep_the_old_one_after_all(alice: Person) -> None:
    alice.sign_in()
    alice.show_password_again()
    alice.post("account_email", action_add="", email=NEW)
    [link, *_] = links_in_mail()

    alice.post("account_email", action_remove="", email=NEW)

    assert "does not work" in alice.browser.get(link).content.decode()
    assert alice.user.email == "alice@example.com"


def test_it_asks_for_the_password_again(alice: Person) -> None:
    alice.sign_in()

    answer = alice.post("account_email", action_add="", email=NEW)

    assert answer.url.startswith(reverse("account_reauthenticate"))
    assert not mail.outbox


def test_it_may_be_changed_with_a_second_factor_on(alice: Person) -> None:
    alice.sign_in_with_second_factor()
    alice.show_password_again()
    alice.post("account_email", action_add="", email=NEW)

    alice.browser.post(links_in_mail()[0])

    assert User.objects.filter(email=NEW).exists()


def test_one_that_is_wanted_but_not_proven_opens_nothing(alice: Person) -> None:
    alice.sign_in()
    alice.show_password_again()
    alice.post("account_email", action_add="", email=NEW)
    wisher = Person(NEW)

    wisher.sign_in()

    assert not wisher.is_signed_in()
    wisher.post("account_reset_password", email=NEW)
    assert "no account" in mail.outbox[-1].subject


def test_who_owns_an_address_that_another_wants_may_sign_up_with_it(alice: Person) -> None:
    alice.sign_in()
    alice.show_password_again()
    alice.post("account_email", action_add="", email=NEW)
    owner = Person(NEW)
    owner.sign_up()

    owner.browser.post(links_in_mail()[0])

    assert owner.is_signed_in()
