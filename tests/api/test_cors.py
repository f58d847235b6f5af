"""Cross-origin requests: off, but for the origins that the setting names."""

import pytest
from django.http.response import HttpResponseBase
from pytest_django import Settings

from tests.cast import Agent
from tests.client import Client

APP = "https://app.example.com"


@pytest.fixture
def allowed(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP]


def preflight(origin: str, path: str = "/api/v1/sessions") -> HttpResponseBase:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return Client().options(path, headers=headers)


def cors_of(response: HttpResponseBase) -> set[str]:
    return {name for name in response.headers if name.startswith("Access-Control-")}


def test_it_is_off_by_default(caller: Agent) -> None:
    answer = caller.get("sessions", headers={"Origin": APP})

    assert answer.status == 200
    assert not any(name.startswith("Access-Control-") for name in answer.headers)
    response = preflight(APP)
    assert response.status_code == 405
    assert cors_of(response) == set()


def test_a_page_of_an_allowed_origin_may_read_the_answer(allowed: None, caller: Agent) -> None:
    answer = caller.get("sessions", headers={"Origin": APP})

    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert answer.headers["Vary"] == "Origin"
    assert {"Link", "Retry-After", "X-Request-ID"} <= set(
        answer.headers["Access-Control-Expose-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/api/v1/sessions", "/api/v1/nothing"])
def test_it_may_read_errors_too(allowed: None, db: None, path: str) -> None:
    response = Client().get(path, headers={"Origin": APP})

    assert response.status_code in (401, 404)
    assert response.headers["Access-Control-Allow-Origin"] == APP


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "http://app.example.com", f"{APP}:444", f"{APP}.evil", "null", "*"]
)
def test_a_page_of_another_origin_may_not(allowed: None, caller: Agent, origin: str) -> None:
    answer = caller.get("sessions", headers={"Origin": origin})

    assert not any(name.startswith("Access-Control-") for name in answer.headers)
    assert answer.headers["Vary"] == "Origin"
    assert preflight(origin).status_code == 405
    assert cors_of(preflight(origin)) == set()


def test_a_preflight_names_what_the_api_takes(allowed: None, db: None) -> None:
    response = preflight(APP)

    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == APP
    assert response.headers["Access-Control-Allow-Methods"] == "GET, POST, DELETE"
    allowed_headers = response.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"x-aisp-key", "x-aisp-session", "authorization", "content-type", "idempotency-key"} <= set(
        allowed_headers
    )
    assert "X-Request-ID" in response.headers


def test_options_without_a_preflight_is_a_wrong_method(allowed: None, db: None) -> None:
    response = Client().options("/api/v1/sessions", headers={"Origin": APP})

    assert response.status_code == 405


def test_pages_outside_the_api_have_no_cors(allowed: None, db: None) -> None:
    response = Client().get("/docs/problems", headers={"Origin": APP})

    assert response.status_code == 200
    assert cors_of(response) == set()
