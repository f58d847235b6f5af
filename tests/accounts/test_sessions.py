"""The list of sessions, and ending them."""

from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.utils import timezone

from accounts.templatetags.accounts import browser
from tests.accounts.person import Person


@pytest.fixture
def phone(alice: Person) -> Person:
    """Alice's other browser, which is signed in as well as her first."""
    phone = Person(alice.email)
    alice.sign_in()
    phone.sign_in()
    return phone


def session_of(person: Person) -> UserSession:
    return UserSession.objects.get(session_key=person.browser.session.session_key)


def test_each_is_listed_with_its_address(alice: Person, phone: Person) -> None:
    shown = alice.get("usersessions_list").content.decode()

    for person in (alice, phone):
        assert person.browser.defaults["REMOTE_ADDR"] in shown
    assert shown.count("this one") == 1


def test_one_can_be_ended(alice: Person, phone: Person) -> None:
    alice.post("end_session", session_of(phone).pk)

    assert not phone.is_signed_in()
    assert alice.is_signed_in()


def test_this_one_too(alice: Person, phone: Person) -> None:
    alice.post("end_session", session_of(alice).pk)

    assert not alice.is_signed_in()
    assert phone.is_signed_in()


def test_all_others(alice: Person, phone: Person) -> None:
    alice.post("usersessions_list")

    assert alice.is_signed_in()
    assert not phone.is_signed_in()


def test_all(alice: Person, phone: Person, bob: Person) -> None:
    bob.sign_in()

    alice.post("end_all_sessions")

    assert not alice.is_signed_in() and not phone.is_signed_in()
    assert bob.is_signed_in()


def test_nobody_elses(alice: Person, phone: Person, bob: Person) -> None:
    bob.sign_in()

    assert bob.post("end_session", session_of(alice).pk).status_code == 404

    assert alice.is_signed_in()


def test_one_that_cannot_be_is_not_found(alice: Person, phone: Person) -> None:
    for number in (0, 10**6, 10**30):
        assert alice.post("end_session", number).status_code == 404


def test_looking_ends_nothing(alice: Person, phone: Person) -> None:
    assert alice.get("end_session", session_of(phone).pk).status_code == 405
    assert alice.get("end_all_sessions").status_code == 405
    assert phone.is_signed_in()


def test_use_keeps_a_session_and_two_weeks_without_end_it(alice: Person) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        alice.sign_in()
        for _ in range(3):
            clock.shift(timedelta(days=13))
            assert alice.is_signed_in()
        assert session_of(alice).last_seen_at == timezone.now()

        clock.shift(timedelta(days=14, seconds=1))
        assert not alice.is_signed_in()


def test_use_is_noted_now_and_then(alice: Person) -> None:
    alice.sign_in()
    before = session_of(alice).last_seen_at

    alice.get("account")

    assert session_of(alice).last_seen_at == before


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140 on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0", "Edge 130 on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1",
            "Safari 604 on iOS",
        ),
        ("curl/8.1", "curl/8.1"),
        ("", "not told"),
    ],
)
def test_a_browser_is_named_in_short(said: str, shown: str) -> None:
    assert browser(said) == shown
