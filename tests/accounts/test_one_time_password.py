"""A password that somebody else made: it opens the page where one chooses one's own, and nothing else."""

import pytest
from django.urls import reverse

from tests.accounts.person import OTHER_PASSWORD, Person, new_person


@pytest.fixture
def owner(db: None) -> Person:
    """The owner whom the first start makes."""
    owner = new_person("owner", is_staff=True, is_superuser=True, must_change_password=True)
    owner.sign_in()
    return owner


def choose(person: Person, password: str, **more: str) -> str:
    sent = {"password1": password, "password2": password, **more}
    answer = person.post("account_change_password", **sent)
    return str(answer.url) if answer.status_code == 302 else str(answer.content.decode())


@pytest.mark.parametrize(
    "path", ["/", "/accounts/me", "/accounts/2fa/", "/accounts/email/", "/admin/", "/docs", "/nothing"]
)
def test_every_page_leads_to_the_choice(owner: Person, path: str) -> None:
    answer = owner.browser.get(path)

    assert answer["Location"].split("?")[0] == reverse("account_change_password")
    assert owner.browser.post(path).status_code == 302


def test_the_choice_opens_the_rest(owner: Person) -> None:
    page = owner.get("account_change_password").content.decode()
    assert "Choose your own password" in page and "oldpassword" not in page

    assert choose(owner, OTHER_PASSWORD, next="/accounts/2fa/") == "/accounts/2fa/"

    assert owner.is_signed_in()
    owner.post("account_logout")
    owner.sign_in()
    assert not owner.is_signed_in()
    owner.sign_in(OTHER_PASSWORD)
    assert owner.is_signed_in()


def test_the_choice_has_to_be_a_choice(owner: Person) -> None:
    assert "another one" in choose(owner, owner.password)
    assert "too short" in choose(owner, "short")
    assert owner.user.must_change_password


def test_one_may_sign_out_instead(owner: Person) -> None:
    assert owner.post("account_logout").url == reverse("account_login")


def test_the_api_does_not_ask(owner: Person) -> None:
    assert owner.browser.get("/api/v1/schema").status_code == 200


def test_others_are_not_asked(alice: Person) -> None:
    alice.sign_in()

    assert alice.is_signed_in()
