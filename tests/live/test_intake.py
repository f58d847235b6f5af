"""Requests as they come over the wire: framing, sizes, odd bytes."""

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pytest_django import Settings

from hub.api import intake
from hub.api.intake import Intake
from tests.live.client import WireAgent
from tests.live.scope import SCOPE
from tests.waiting import wait_until

KIB = 1024
MIB = 1024 * KIB
APP = "https://app.example.com"


def exchange(server: str, request: bytes) -> tuple[int, bytes]:
    """Send raw bytes and return the status and everything that comes back."""
    parts = urlsplit(server)
    assert parts.hostname and parts.port
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(request)
        answer = connection.recv(65_536)
    return int(answer.split(b" ")[1]), answer


def chunks_of(size: int) -> Iterator[bytes]:
    for _ in range(size // 65_536):
        yield b"x" * 65_536


def test_a_chunked_body_is_read(alice: WireAgent, bob: WireAgent) -> None:
    envelope = (
        f'{{"aisp": "0.1", "from": "{alice.id}", "to": "{bob.id}", "category": "message", "payload": {{}}}}'
    )
    headers = {**alice.headers(), "Content-Type": "application/json"}

    answer = alice.http.post(
        "/messages", content=iter([envelope[:9].encode(), envelope[9:].encode()]), headers=headers
    )

    assert answer.status_code == 200
    assert len(bob.get("/messages").json()["messages"]) == 1


@pytest.mark.parametrize(
    ("path", "limit"),
    [("messages", MIB), ("sessions", MIB), ("memory", 8 * MIB), ("sessions/sess_1/ping", MIB)],
)
def test_a_chunked_body_over_the_limit_is_refused(alice: WireAgent, path: str, limit: int) -> None:
    headers = {**alice.headers(), "Content-Type": "application/json"}

    answer = alice.http.post(f"/{path}", content=chunks_of(limit + 65_536), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_length_over_the_limit_is_refused_before_the_body_comes(server: str, alice: WireAgent) -> None:
    request = (
        f"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nX-AISP-Key: {alice.agent.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {MIB + 1}\r\n\r\n"
    )

    status, answer = exchange(server, request.encode())

    assert status == 413
    assert b"application/problem+json" in answer
    assert b"connection: close" in answer.lower()


def test_large_bodies_of_strangers_do_not_fill_the_memory(
    server: str, alice: WireAgent, bob: WireAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake.BODIES, "all", 256 * KIB)
    parts = urlsplit(server)
    head = f"POST /api/v1/memory HTTP/1.1\r\nHost: x\r\nContent-Length: {MIB}\r\n\r\n"
    large = {"entries": [{"key": key, "value": "x" * (40 * KIB)} for key in "abc"]}

    with socket.create_connection((parts.hostname, parts.port), timeout=10) as stranger:
        stranger.sendall(head.encode() + b"x" * (200 * KIB))
        wait_until(lambda: alice.post("/memory", large).status_code == 503)
        refused = alice.post("/memory", large)
        alice.send(bob.id)

    assert refused.json()["code"] == "unavailable"
    assert int(refused.headers["retry-after"]) > 0
    wait_until(lambda: alice.post("/memory", large).status_code == 200)


@pytest.mark.parametrize(
    "target",
    [
        b"/api/v1/messages?category=\xff",
        b"/api/v1/sessions/\xff\xfe",
        b"/api/v1/sessions/%00",
        b"/api/v1/sessions/%ff",
        b"/api/v1/memory/%00",
        b"/api/v1/memory?namespace=%00",
        b"/api/v1/sessions?cursor=%00",
        b"/api/v1/sessions?name=%ed%a0%80",
        b"/api/v1//sessions",
        b"/api/../api/v1/sessions",
        b"/api/v1/sessions/" + b"a" * 5000,
        b"/api/v1/grants/%0d%0aX-Evil:%201",
        b"/api/v1/messages/stream?x=\xff",
        b"/admin/?\xff",
    ],
)
def test_odd_targets_give_no_server_error(server: str, alice: WireAgent, target: bytes) -> None:
    key = str(alice.agent.key).encode()
    head = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-AISP-Key: " + key
    status, answer = exchange(
        server, b"GET " + target + head + b"\r\nX-AISP-Session: " + alice.id.encode() + b"\r\n\r\n"
    )

    assert 300 <= status < 500
    assert b"X-Evil" not in answer.split(b"\r\n\r\n")[0]


def test_a_query_that_another_server_lets_through_is_refused_too() -> None:
    """uvicorn's parsers refuse raw bytes by themselves; the ASGI specification does not forbid them."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("there is no body")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def app(*_: Any) -> None:
        raise AssertionError("the request went through")

    scope = {**SCOPE, "path": "/api/v1/messages", "query_string": b"category=\xff"}
    asyncio.run(Intake(app)(scope, receive, send))

    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["code"] == "invalid_request"


@pytest.mark.parametrize("path", ["messages/stream", "sessions/sess_1/ping", "sessions"])
def test_a_page_of_an_allowed_origin_may_call_every_path(server: str, settings: Settings, path: str) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP]
    asking = {"Origin": APP, "Access-Control-Request-Method": "GET"}

    preflight = httpx.options(f"{server}/api/v1/{path}", headers=asking)
    answer = httpx.get(f"{server}/api/v1/{path}", headers={"Origin": APP})

    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-methods"] == "GET, POST, DELETE"
    assert preflight.headers["access-control-allow-origin"] == APP
    assert answer.status_code in (401, 405)
    assert answer.headers["access-control-allow-origin"] == APP


@pytest.mark.parametrize("value", [b"\xff\xfe", b"aisp_\xc3\xa9", b"a, b", b""])
def test_an_odd_credential_is_refused(server: str, transactional_db: None, value: bytes) -> None:
    head = b"GET /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nX-AISP-Key: "

    assert exchange(server, head + value + b"\r\n\r\n")[0] == 401


def test_unknown_paths_answer_with_a_problem(server: str, transactional_db: None) -> None:
    for path in ("/api", "/api/", "/api/v1", "/api/v1/sessions/", "/api/v2/sessions"):
        answer = httpx.get(server + path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "target", ["GET /api/v1/messages/stream", "POST /api/v1/sessions/sess_1/ping", "GET /api/v1/sessions"]
)
def test_a_query_of_very_many_parameters_is_refused(server: str, alice: WireAgent, target: str) -> None:
    method, path = target.split()

    answer = httpx.request(method, f"{server}{path}?{'a&' * 1001}", headers=alice.headers())

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
