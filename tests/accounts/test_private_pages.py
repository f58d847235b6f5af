"""No page of somebody who is signed in stays in a cache."""

from collections.abc import Iterable, Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

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


def test_the_answer_to_a_sign_in_is_not_kept(db: None) -> None:
    assert new_person("alice").sign_in().headers["Cache-Control"] == "no-store"


def test_the_documentation_may_be_kept_by_who_has_no_session(db: None) -> None:
    assert "Cache-Control" not in Client().get("/docs").headers
