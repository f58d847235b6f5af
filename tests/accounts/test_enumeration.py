"""Nobody learns from a page who has an account: it is the mail that tells the difference."""

import re
from typing import Any

import pytest
from django.core import mail
from pytest_django import Settings

from tests.accounts.person import Person, new_browser


def told(answer: Any, person: Person) -> tuple[Any, ...]:
    """Return what an answer shows, without the address that was typed and what is another each time."""
    shown = answer.content.decode().replace(person.email, "…")
    shown = re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"', "", shown)
    return answer.status_code, answer.headers.get("Location"), shown


def test_sign_up_with_a_known_address(alice: Person, zoe: Person) -> None:
    known, unknown = Person(alice.email), zoe

    assert told(known.sign_up(), known) == told(unknown.sign_up(), unknown)

    for person in (known, unknown):
        after = person.get("account_email_verification_sent")
        assert after.status_code == 200
    first, second = mail.outbox
    assert (first.to, second.to) == ([alice.email], [zoe.email])
    assert "have an account" in first.subject and "confirm" in second.subject
    assert alice.user.check_password(alice.password), "nothing was changed"


def test_sign_in_with_a_wrong_password(alice: Person, zoe: Person) -> None:
    assert told(alice.sign_in("wrong"), alice) == told(zoe.sign_in("wrong"), zoe)


def test_reset(alice: Person, zoe: Person) -> None:
    answers = [
        told(person.post_through("account_reset_password", email=person.email), person)
        for person in (alice, zoe)
    ]

    assert answers[0] == answers[1]
    assert [sent.to for sent in mail.outbox] == [[alice.email], [zoe.email]]


@pytest.mark.parametrize("is_open", [True, False])
def test_the_mail_to_a_stranger_offers_an_account_if_they_may_make_one(
    zoe: Person, settings: Settings, is_open: bool
) -> None:
    settings.HUB_OPEN_SIGN_UP = is_open

    zoe.post("account_reset_password", email=zoe.email)

    assert ("/accounts/signup/" in mail.outbox[0].body) is is_open


def test_change_to_a_known_address(alice: Person, bob: Person, zoe: Person) -> None:
    shown = []
    for wanted in (bob, zoe):
        alice.browser = new_browser()
        alice.sign_in()
        alice.show_password_again()
        shown.append(told(alice.post_through("account_email", action_add="", email=wanted.email), wanted))

    assert shown[0] == shown[1]
    told_bob, told_zoe = mail.outbox
    assert told_bob.to == [bob.email] and "asked for" in told_bob.subject
    assert "confirm-email" not in told_bob.body and "confirm-email" in told_zoe.body
