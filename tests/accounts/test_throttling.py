"""Few attempts from one address, right ones too."""

import pytest
from django.urls import reverse

from tests.accounts.person import OTHER_PASSWORD, Person, new_browser, new_person
from tests.client import Client

ATTEMPTS = 10


def test_too_many_sign_ins_are_refused_right_ones_too(alice: Person) -> None:
    assert {alice.sign_in("wrong").status_code for _ in range(ATTEMPTS)} == {200}

    answer = alice.sign_in()

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) == 60
    assert "try again" in answer.content.decode()
    assert alice.get("account_login").status_code == 200, "looking is free"
    alice.browser = new_browser()
    alice.sign_in()
    assert alice.is_signed_in(), "from elsewhere it works"


def test_what_a_client_says_of_its_address_does_not_count(alice: Person) -> None:
    for i in range(ATTEMPTS):
        headers = {
            "x-forwarded-for": f"192.0.2.{i}",
            "forwarded": f"for=192.0.2.{i}",
            "x-real-ip": "192.0.2.1",
        }
        sent = {"login": alice.email, "password": "wrong"}
        assert alice.browser.post(reverse("account_login"), sent, headers=headers).status_code == 200

    assert alice.sign_in().status_code == 429


def test_a_network_of_ipv6_counts_as_one(alice: Person) -> None:
    sent = {"login": alice.email, "password": "wrong"}
    path = reverse("account_login")
    for i in range(ATTEMPTS):
        alice.browser.post(path, sent, REMOTE_ADDR=f"2001:db8::{i:x}")

    assert alice.browser.post(path, sent, REMOTE_ADDR="2001:db8::ffff").status_code == 429
    assert alice.browser.post(path, sent, REMOTE_ADDR="2001:db8:0:1::1").status_code == 200


def test_a_client_without_an_address_can_sign_in(alice: Person) -> None:
    sent = {"login": alice.email, "password": alice.password}

    assert alice.browser.post(reverse("account_login"), sent, REMOTE_ADDR="").status_code == 302
    assert alice.browser.get(reverse("account"), REMOTE_ADDR="").status_code == 200


def test_an_account_is_guarded_against_many_addresses(alice: Person) -> None:
    for i in range(60):
        sent = {"login": alice.email, "password": "wrong"}
        alice.browser.post(
            reverse("account_login"),
            sent,
            headers={"host": f"testserver:{i + 1}"},
            REMOTE_ADDR=f"192.0.2.{i}",
        )
    alice.browser = new_browser()

    assert "Too many attempts" in alice.sign_in().content.decode()
    assert not alice.is_signed_in()
    bob = new_person("bob")
    bob.sign_in()
    assert bob.is_signed_in()


def send_wrong_passwords(browser: Client, email: str, *, count: int) -> None:
    for i in range(count):
        sent = {"login": email, "password": "wrong"}
        browser.post(reverse("account_login"), sent, REMOTE_ADDR=f"192.0.2.{i}")


def test_strangers_do_not_keep_out_who_signed_in_with_the_browser_before(alice: Person) -> None:
    alice.sign_in()
    alice.post("account_logout")
    send_wrong_passwords(new_browser(), alice.email, count=60)

    alice.sign_in()

    assert alice.is_signed_in()


def test_a_known_browser_may_not_guess_either(alice: Person) -> None:
    alice.sign_in()
    alice.post("account_logout")
    send_wrong_passwords(alice.browser, alice.email, count=60)

    assert "Too many attempts" in alice.sign_in().content.decode()
    alice.browser = new_browser()
    alice.sign_in()
    assert alice.is_signed_in(), "its attempts are not those of strangers"


def test_a_browser_is_known_for_who_signed_in_with_it(alice: Person) -> None:
    mallory = new_person("mallory")
    mallory.sign_in()
    mallory.post("account_logout")
    send_wrong_passwords(new_browser(), alice.email, count=60)
    alice.browser = mallory.browser

    assert "Too many attempts" in alice.sign_in().content.decode()
    alice.browser.cookies["known_browser"] = "forged"
    assert "Too many attempts" in alice.sign_in().content.decode()


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        (
            "account_signup",
            {"email": "x{}@example.com", "password1": OTHER_PASSWORD, "password2": OTHER_PASSWORD},
        ),
        ("account_reset_password", {"email": "x{}@example.com"}),
        ("mfa_login_webauthn", {"credential": "{{}}"}),
    ],
)
def test_other_forms_are_counted_too(zoe: Person, form: str, sent: dict[str, str]) -> None:
    def send(number: int) -> int:
        said = {name: text.format(number) for name, text in sent.items()}
        zoe.browser.cookies.clear()
        return int(zoe.post(form, **said).status_code)

    assert {send(number) for number in range(ATTEMPTS)} == {302}
    assert send(ATTEMPTS) == 429
    zoe.browser = new_browser()
    assert send(ATTEMPTS) == 302


def test_one_person_is_not_flooded_with_mails(alice: Person, mailoutbox: list[object]) -> None:
    for _ in range(8):
        alice.browser = new_browser()
        alice.post("account_reset_password", email=alice.email)

    assert len(mailoutbox) == 5
