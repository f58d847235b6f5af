"""Passkeys, as far as it goes without a browser: tests/browser has one make and use them."""

import json

import pytest
from allauth.mfa.models import Authenticator
from django.test import override_settings
from django.urls import reverse

from tests.accounts.person import Person, new_person


def passkey_of(person: Person) -> Authenticator:
    data = {"name": "phone", "credential": {"clientExtensionResults": {"credProps": {"rk": True}}}}
    return Authenticator.objects.create(user=person.user, type="webauthn", data=data)


def test_the_sign_in_offers_them_where_they_can_work(alice: Person) -> None:
    assert "passkey_login" in alice.get("account_login").content.decode()

    with override_settings(ALLOWED_HOSTS=["127.0.0.1"]):
        page = alice.browser.get(reverse("account_login"), headers={"host": "127.0.0.1:8000"})
    assert "passkey_login" not in page.content.decode()
    assert 'href="http://localhost:8000/accounts/login/"' in page.content.decode()


def test_on_a_numeric_address_the_page_says_where_they_work(alice: Person) -> None:
    alice.sign_in()
    alice.show_password_again()

    page = alice.browser.get(reverse("mfa_add_webauthn"), headers={"host": "127.0.0.1:8000"})

    assert "http://localhost:8000/accounts/2fa/webauthn/add/" in page.content.decode()


def test_a_challenge_is_given_to_anybody(alice: Person) -> None:
    options = alice.browser.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"}).json()

    asked = options["request_options"]["publicKey"]
    assert asked["rpId"] == "testserver" and asked["challenge"]
    assert asked["userVerification"] == "required"
    assert not asked.get("allowCredentials"), "it tells nothing of who has one"


@pytest.mark.parametrize(
    "credential", ["", "garbage", "{}", "[]", "null", '{"response": {"userHandle": "MQ"}}', '{"id": 1}']
)
def test_made_up_ones_are_refused(alice: Person, credential: str) -> None:
    alice.browser.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"})

    answer = alice.post("mfa_login_webauthn", credential=credential)

    assert answer.status_code == 302 and answer.url == reverse("account_login")
    assert not alice.is_signed_in()


@pytest.mark.parametrize("credential", ["garbage", "{}", json.dumps({"id": "x", "response": {}})])
def test_made_up_ones_are_not_added(alice: Person, credential: str) -> None:
    alice.sign_in()
    alice.show_password_again()
    alice.get("mfa_add_webauthn")

    assert alice.post("mfa_add_webauthn", name="mine", credential=credential).status_code == 200
    assert not Authenticator.objects.exists()


def test_they_are_renamed_and_removed_by_their_owner_alone(alice: Person) -> None:
    mallory = new_person("mallory")
    mallory.sign_in()
    mallory.show_password_again()
    alice.sign_in()
    alice.show_password_again()
    passkey = passkey_of(alice)

    assert mallory.post("mfa_edit_webauthn", passkey.pk, name="stolen").status_code == 404
    assert mallory.post("mfa_remove_webauthn", passkey.pk).status_code == 404
    assert alice.post("mfa_edit_webauthn", passkey.pk, name="old phone").status_code == 302
    assert str(Authenticator.objects.get()) == "old phone"
    assert alice.post("mfa_remove_webauthn", passkey.pk).status_code == 302
    assert not Authenticator.objects.exists()
