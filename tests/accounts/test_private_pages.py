"""No page of somebody who is signed in stays in a cache."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from tests.accounts.person import Person, new_person
from tests.client import Client

# They are no pages: the API and the probes have no cookie, and static files are the same for everybody.
NOT_PAGES = ("api/v1", ".well-known", "livez", "readyz", "metrics", "static")


def paths(patterns: Iterable[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    """Return every path without a variable part."""
    for pattern in patterns:
        path = before + str(pattern.pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, path)
        elif "<" not in path and "(" not in path:
            yield path


PAGES = sorted({path for path in paths(get_resolver().url_patterns) if not path[1:].startswith(NOT_PAGES)})


@pytest.fixture
def operator(db: None) -> Person:
    """Somebody with a second factor, whom every page lets in."""
    olivia = new_person("olivia", is_staff=True, is_superuser=True)
    olivia.sign_in_with_second_factor()
    return olivia


def test_no_page_of_who_is_signed_in_is_kept(operator: Person) -> None:
    kept = []
    for path in PAGES:
        answer = operator.browser.get(path)
        assert answer.status_code < 500, path
        if answer.headers.get("Cache-Control") != "no-store":
            kept.append(path)

    assert kept == []
    assert {"/accounts/2fa/totp/activate/", "/accounts/2fa/recovery-codes/", "/admin/", "/docs"} <= set(PAGES)


def test_a_look_by_who_is_not_signed_in_writes_no_session_but_for_a_passkeys_challenge(db: None) -> None:
    accepted = {"html": {}, "json": {"accept": "application/json"}}
    writers = set()
    for path in PAGES:
        for headers in accepted.values():
            before = Session.objects.count()
            assert Client().get(path, headers=headers).status_code < 500, path
            writers |= {path} if Session.objects.count() > before else set()

    assert writers == {"/accounts/2fa/webauthn/login/"}
    assert Session.objects.get().expire_date < timezone.now() + timedelta(minutes=5, seconds=1)


def test_few_challenges_are_made_for_one_address(db: None) -> None:
    path, headers = "/accounts/2fa/webauthn/login/", {"accept": "application/json"}
    statuses = [Client().get(path, headers=headers).status_code for _ in range(21)]

    assert statuses == [200] * 20 + [429]
    assert Session.objects.count() == 20
    assert Client().get(path, headers=headers, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_a_session_that_a_challenge_made_lasts_after_the_sign_in(db: None) -> None:
    alice = new_person("alice")
    alice.browser.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"})

    alice.sign_in()

    assert Session.objects.get().expire_date > timezone.now() + timedelta(days=13)


def test_the_answer_to_a_sign_in_is_not_kept(db: None) -> None:
    assert new_person("alice").sign_in().headers["Cache-Control"] == "no-store"


def test_the_documentation_may_be_kept_by_who_has_no_session(db: None) -> None:
    assert "Cache-Control" not in Client().get("/docs").headers
