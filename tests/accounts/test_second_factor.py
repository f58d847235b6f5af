"""An authenticator app, and the codes for the day when it is gone."""

import time

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.urls import reverse
from pytest_django import Settings

from accounts.factors import FactorsAdapter
from tests.accounts.person import TOTP_SECONDS, Person, code_of, new_browser


def test_an_app_is_set_up_with_its_first_code(alice: Person, still: None) -> None:
    alice.sign_in()
    assert alice.get("mfa_activate_totp").url.startswith(reverse("account_reauthenticate"))
    alice.show_password_again()
    secret = alice.get("mfa_activate_totp").context["form"].secret

    assert "not accepted" in alice.post("mfa_activate_totp", code="000000").content.decode()
    answer = alice.post("mfa_activate_totp", code=code_of(secret))

    assert answer.url == reverse("mfa_view_recovery_codes")
    assert len(alice.get("mfa_view_recovery_codes").context["unused_codes"]) == 10
    assert secret not in str(dict(alice.browser.session))


def test_the_secrets_are_sealed_at_rest(alice: Person) -> None:
    [code, *_] = alice.set_up_totp()

    kept = str(list(Authenticator.objects.values()))

    assert alice.secret not in kept and code not in kept
    seed = Authenticator.objects.get(type="recovery_codes").data["seed"]
    assert seed.startswith("gAAAA"), "Fernet"


def test_a_sealed_secret_opens_with_a_former_secret_key(alice: Person, settings: Settings) -> None:
    sealed = FactorsAdapter().encrypt("a secret")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert FactorsAdapter().decrypt(sealed) == "a secret"

    settings.SECRET_KEY_FALLBACKS = []
    assert FactorsAdapter().decrypt(sealed) != FactorsAdapter().decrypt(sealed), "nothing matches it"


def test_the_password_alone_is_not_enough(alice: Person) -> None:
    alice.set_up_totp()

    assert alice.sign_in().url == reverse("mfa_authenticate")

    assert not alice.is_signed_in()
    assert "not accepted" in alice.post("mfa_authenticate", code="000000").content.decode()
    assert not alice.is_signed_in()


def test_a_code_signs_in_once(alice: Person, still: None) -> None:
    alice.set_up_totp()
    alice.sign_in()
    code = code_of(alice.secret)
    alice.post("mfa_authenticate", code=code)
    assert alice.is_signed_in()

    alice.browser = new_browser()
    alice.sign_in()
    alice.post("mfa_authenticate", code=code)
    assert not alice.is_signed_in()


@pytest.mark.parametrize("steps", [-1, 1])
def test_a_code_of_the_step_before_or_after_signs_in_once(alice: Person, still: None, steps: int) -> None:
    alice.set_up_totp()
    with time_machine.travel(time.time() + steps * TOTP_SECONDS, tick=False):
        code = code_of(alice.secret)
    alice.sign_in()
    alice.post("mfa_authenticate", code=code)
    assert alice.is_signed_in()

    alice.browser = new_browser()
    alice.sign_in()
    with time_machine.travel(time.time() + max(0, 2 * steps) * TOTP_SECONDS, tick=False):
        alice.post("mfa_authenticate", code=f"{code[:3]} {code[3:]}")
        assert not alice.is_signed_in()


def test_a_code_two_steps_away_is_refused(alice: Person, still: None) -> None:
    alice.set_up_totp()
    alice.sign_in()
    with time_machine.travel(time.time() + 2 * TOTP_SECONDS, tick=False):
        code = code_of(alice.secret)

    assert "not accepted" in alice.post("mfa_authenticate", code=code).content.decode()


def test_the_code_that_sets_an_app_up_signs_nobody_in(alice: Person, still: None) -> None:
    alice.sign_in()
    alice.show_password_again()
    code = code_of(alice.get("mfa_activate_totp").context["form"].secret)
    assert alice.post("mfa_activate_totp", code=code).status_code == 302

    alice.browser = new_browser()
    alice.sign_in()
    alice.post("mfa_authenticate", code=code)

    assert not alice.is_signed_in()


def test_a_recovery_code_signs_in_once(alice: Person) -> None:
    [code, *_] = alice.set_up_totp()
    for works in (True, False):
        alice.browser = new_browser()
        alice.sign_in()
        alice.post("mfa_authenticate", code=code)
        assert alice.is_signed_in() is works


def test_codes_cannot_be_guessed_at(alice: Person, still: None) -> None:
    alice.set_up_totp()
    alice.sign_in()
    shown = [alice.post("mfa_authenticate", code="000000").content.decode() for _ in range(11)]

    assert "Too many attempts" in shown[-1]
    alice.post("mfa_authenticate", code=code_of(alice.secret))
    assert not alice.is_signed_in()


def test_turning_it_off_takes_a_fresh_sign_in_and_drops_the_codes(alice: Person) -> None:
    alice.sign_in_with_second_factor()
    assert alice.post("mfa_deactivate_totp").url.startswith(reverse("account_reauthenticate"))
    alice.show_password_again()

    alice.post("mfa_deactivate_totp")

    assert not Authenticator.objects.exists()


def test_new_codes_end_the_old_ones(alice: Person) -> None:
    [code, *_] = alice.set_up_totp()
    alice.sign_in_with_second_factor()
    alice.show_password_again()

    alice.post("mfa_generate_recovery_codes")

    assert code not in alice.get("mfa_view_recovery_codes").context["unused_codes"]


@pytest.mark.parametrize(
    "name", ["mfa_index", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_generate_recovery_codes"]
)
def test_every_page_opens(alice: Person, name: str) -> None:
    alice.sign_in_with_second_factor()
    alice.show_password_again()

    assert alice.get(name).status_code == 200
