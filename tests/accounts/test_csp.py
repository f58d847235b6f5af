"""What pages may load and run."""

import re

import pytest

from tests.accounts.person import Person, new_person
from tests.client import Client

STRICT = {"default-src": "'none'", "style-src": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'"}
PUBLIC = [
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/api/docs",
    "/docs",
    "/nothing",
]
OWN = [
    "/accounts/me",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/sessions/",
]
FRESH = ["/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"]


def policy_of(answer: object) -> dict[str, str]:
    header = answer["Content-Security-Policy"]  # type: ignore[index]
    parts = [part.strip().partition(" ") for part in header.split(";") if part.strip()]
    return {name: sources for name, _, sources in parts}


@pytest.mark.parametrize("path", [*PUBLIC, *OWN, *FRESH])
def test_pages_run_nothing_inline(db: None, path: str) -> None:
    browser = Client()
    if path not in PUBLIC:
        alice = new_person("alice")
        alice.sign_in()
        alice.show_password_again()
        browser = alice.browser

    answer = browser.get(path)

    shown = answer.content.decode()
    assert answer.status_code == (404 if path == "/nothing" else 200)
    policy = policy_of(answer)
    assert {**policy, **STRICT} == policy
    nonce = re.fullmatch(r"'nonce-([^']+)'", policy["script-src"])
    assert nonce and "unsafe" not in answer["Content-Security-Policy"]
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", shown, re.DOTALL)
    for attributes, content in scripts:
        if "application/json" not in attributes:
            assert f'nonce="{nonce[1]}"' in attributes and not content.strip()
    assert not re.search(r"<style|\sstyle=|\son\w+=\"|javascript:", shown)


def test_a_nonce_is_good_for_one_answer(db: None) -> None:
    first, second = (policy_of(Client().get("/accounts/login/"))["script-src"] for _ in range(2))

    assert first != second


def test_the_admin_alone_has_a_looser_one(db: None) -> None:
    olivia = new_person("olivia", is_staff=True, is_superuser=True)
    olivia.sign_in_with_second_factor()

    policy = policy_of(olivia.browser.get("/admin/"))

    assert policy["script-src"] == "'self' 'unsafe-eval'", "and nothing inline"
    assert policy["style-src"] == "'self' 'unsafe-inline'"
    assert {**policy, **STRICT, "style-src": policy["style-src"]} == policy


def test_answers_of_the_api_have_none() -> None:
    assert "Content-Security-Policy" not in Client().get("/api/v1/schema")


def test_a_form_without_its_token_is_refused_on_a_page(alice: Person) -> None:
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post("/accounts/login/", {"login": alice.email, "password": alice.password})

    assert answer.status_code == 403
    assert "Send it again" in answer.content.decode()
    assert "unsafe" not in answer["Content-Security-Policy"]
