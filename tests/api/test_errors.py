"""Errors: one shape for whatever goes wrong under /api/."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from hub.sessions import rules
from hub.sessions.models import Session
from realms.problems import PROBLEMS
from tests.cases import cases
from tests.cast import Agent, Answer
from tests.client import Client

MIB = 1024 * 1024
GOOD = {"name": "agent", "kind": "service"}


def assert_problem(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code)
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(answer.json)
    assert answer.json["type"] == f"http://testserver/docs/problems/{code}"
    assert (answer.json["status"], answer.json["title"]) == (status, PROBLEMS[code].title)
    assert answer.json["detail"]
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["Cache-Control"] == "no-store"


@cases(
    "path",
    [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v2/sessions",
        "/api/v1/sessions/",
        "/api/v1/session",
        "/api/v1//sessions",
        "/api/v1/Sessions",
        "/api/v1/sessions/x/y",
        "/api/v1/messages/",
        "/api/v1/messages/ack/",
        "/api/%00",
        "/api/v1/ses%0Asions",
    ],
)
@cases("method", ["GET", "POST", "DELETE", "PATCH"])
def test_an_unknown_path_is_a_problem(caller: Agent, path: str, method: str) -> None:
    assert_problem(caller.call(method, path), 404, "not_found")


@cases(
    ("path", "allowed"),
    [
        ("sessions", {"GET", "POST"}),
        ("sessions/x", {"GET", "DELETE"}),
        ("messages", {"GET", "POST"}),
        ("messages/ack", {"POST"}),
        ("messages/x", {"GET"}),
        ("memory", {"GET", "POST"}),
        ("memory/x", {"GET", "DELETE"}),
        ("grants", {"GET", "POST"}),
        ("grants/x", {"GET", "DELETE"}),
        ("grants/x/approve", {"POST"}),
        ("schema", {"GET"}),
    ],
)
@cases(
    "method",
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "SCHEMA", "DISPATCH"],
)
def test_a_wrong_method_names_the_right_ones(db: None, path: str, allowed: set[str], method: str) -> None:
    if method in allowed:
        return
    response = Client().generic(method, f"/api/v1/{path}")

    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == allowed
    assert response.headers["Content-Type"] == "application/problem+json"


@cases(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("text/html, application/json;q=0.1", 200),
        ("APPLICATION/JSON", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("application/json;q=0, */*", 406),
        ("application/problem+json", 406),
    ],
)
def test_what_cannot_be_had_is_not_acceptable(caller: Agent, accept: str, status: int) -> None:
    answer = caller.get("sessions", headers={"Accept": accept})

    assert answer.status == status
    if status == 406:
        assert_problem(answer, 406, "not_acceptable")


@cases(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="UTF-8"', 200),
        ("application/json; version=1", 200),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/plain", 415),
        ("application/jsonp", 415),
        ("application/vnd.api+json", 415),
        ("application/json; charset=latin-1", 415),
        ("application/json; version=1; charset=utf-16", 415),
    ],
)
def test_another_media_type_is_not_supported(caller: Agent, content_type: str, status: int) -> None:
    answer = caller.post("sessions", GOOD, content_type=content_type)

    assert answer.status == status
    assert Session.objects.exists() is (status == 200)
    if status == 415:
        assert_problem(answer, 415, "unsupported_media_type")


@cases("encoding", ["gzip", "br", "deflate", "gzip, identity"])
def test_a_compressed_body_is_not_supported(caller: Agent, encoding: str) -> None:
    answer = caller.post("sessions", GOOD, headers={"Content-Encoding": encoding})

    assert_problem(answer, 415, "unsupported_media_type")
    assert caller.post("sessions", GOOD, headers={"Content-Encoding": "identity"}).status == 200


def post_raw(agent: Agent, path: str, body: bytes, **environ: Any) -> int:
    """Send a body with an environment that need not be true to it, and return the status."""
    client, where = Client(), f"/api/v1/{path}"
    options: dict[str, Any] = {"content_type": "application/json", "headers": agent.headers(), **environ}
    return client.generic("POST", where, body, **options).status_code


@cases(("path", "limit"), [("sessions", MIB), ("messages", MIB), ("grants", MIB), ("memory", 8 * MIB)])
def test_a_body_over_the_limit_is_refused_unread(alice: Agent, path: str, limit: int) -> None:
    # The client raises if more is read than is there: 413 means that nothing was.
    assert post_raw(alice, path, b"{", CONTENT_LENGTH=str(limit + 1)) == 413
    assert post_raw(alice, path, b"{", CONTENT_LENGTH="9" * 5000) == 413
    assert post_raw(alice, path, b"{" + b" " * (limit - 1)) == 400


@cases("length", ["x", "-5", "+2", "2.0", "²"])
def test_a_content_length_that_is_no_number_is_refused(caller: Agent, length: str) -> None:
    assert post_raw(caller, "sessions", b"{}", CONTENT_LENGTH=length) == 400


def test_too_many_query_parameters_are_refused(caller: Agent) -> None:
    answer = caller.get("sessions?" + "&".join(["limit=1"] * 1001))

    assert_problem(answer, 400, "invalid_request")


def broken_with(error: Exception) -> Callable[..., Any]:
    def rule(*args: Any, **options: Any) -> Any:
        raise error

    return rule


def test_a_fault_of_the_hub_shows_nothing_of_itself(caller: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    assert caller.get("sessions").status == 200
    monkeypatch.setattr(rules, "sessions_of", broken_with(RuntimeError("secret at line 42")))

    answer = caller.get("sessions")

    assert_problem(answer, 500, "internal_error")
    assert "secret" not in str(answer.json) and "Traceback" not in str(answer.json)


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_without_the_database_the_hub_is_unavailable(
    caller: Agent, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(rules, "sessions_of", broken_with(error))

    answer = caller.get("sessions")

    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "gone" not in str(answer.json)


@cases("code", sorted(PROBLEMS))
def test_every_problem_has_a_page(db: None, code: str) -> None:
    response = Client().get(f"/docs/problems/{code}")

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert code in response.content.decode()


def test_the_problems_are_listed_and_no_others_have_a_page(db: None) -> None:
    index = Client().get("/docs/problems").content.decode()

    assert set(re.findall(r"/docs/problems/([a-z_]+)", index)) == set(PROBLEMS)
    assert Client().get("/docs/problems/nothing").status_code == 404


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 128])
def test_a_harmless_request_id_is_echoed(caller: Agent, given: str) -> None:
    assert caller.get("sessions", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
    assert caller.get("nothing", headers={"X-Request-ID": given}).json["request_id"] == given


@cases("given", ["", "x" * 129, "a b", "a\tb", "ä", "a;b", "<b>"])
def test_another_request_id_is_replaced(caller: Agent, given: str) -> None:
    first, second = (caller.get("sessions", headers={"X-Request-ID": given}) for _ in range(2))

    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", first.headers["X-Request-ID"])
    assert first.headers["X-Request-ID"] not in (given, second.headers["X-Request-ID"])
