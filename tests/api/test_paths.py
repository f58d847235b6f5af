"""Which path is a page, which is of the API, and which is a probe."""

import pytest
from django.conf import settings

from hub.api.paths import Kind, kind_of
from tests.client import Client


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", Kind.PAGE),
        ("", Kind.PAGE),
        ("/api/docs", Kind.PAGE),
        ("/apis", Kind.PAGE),
        ("/livez/", Kind.PAGE),
        ("/realms/x/feed", Kind.PAGE),
        ("/api", Kind.API),
        ("/api/", Kind.API),
        ("/api/docs/", Kind.API),
        ("/api/v1/messages", Kind.API),
        ("/.well-known/jwks.json", Kind.API),
        ("/.well-known/nothing", Kind.API),
        ("/livez", Kind.PROBE),
        ("/readyz", Kind.PROBE),
        ("/metrics", Kind.PROBE),
    ],
)
def test_a_path_belongs_to_one_of_three(path: str, kind: Kind) -> None:
    assert kind_of(path) is kind


def test_only_pages_go_through_djangos_middleware(db: None) -> None:
    """X-Frame-Options is what one of its classes adds to every answer."""
    client = Client()
    answers = {path: client.get(path) for path in ("/docs", "/api/docs", "/api/v1/messages", "/livez")}

    have_it = {path for path, answer in answers.items() if "X-Frame-Options" in answer.headers}
    assert have_it == {"/docs", "/api/docs"}
    assert all(
        name.startswith(("django.", "whitenoise.", "allauth.", "accounts.", "config.web."))
        for name in settings.MIDDLEWARE
    )


def test_a_well_known_path_that_is_none_is_a_problem(db: None) -> None:
    answer = Client().get("/.well-known/nothing")

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
