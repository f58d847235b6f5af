"""Every answer has the same headers, whichever part of the server gives it."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings

from hub.api import exchange
from tests.live.client import WireAgent

APP = "https://app.example.com"
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
TLS = "max-age=31536000; includeSubDomains; preload"

# Each part of the server, with a request that it answers: request line, further headers, status.
OF_THE_API = {
    "viewset": ("GET /api/v1/sessions", b"", 200),
    "viewset, refused": ("GET /api/v1/sessions?limit=0", b"", 400),
    "no route": ("GET /api/nothing", b"", 404),
    "preflight": ("OPTIONS /api/v1/sessions", b"Access-Control-Request-Method: POST\r\n", 204),
    "stream": ("GET /api/v1/messages/stream", b"", 200),
    "stream, preflight": ("OPTIONS /api/v1/messages/stream", b"Access-Control-Request-Method: GET\r\n", 204),
    "ping, refused": ("POST /api/v1/sessions/sess_1/ping", b"", 404),
    "intake": ("POST /api/v1/messages", b"Content-Length: 99999999\r\n", 413),
    "connection": ("GET /api/v1/messages", b"X-Large: " + b"x" * 40_000 + b"\r\n", 431),
    "well known": ("GET /.well-known/jwks.json", b"", 200),
}
OTHERS = {
    "page": ("GET /docs", b"", 200),
    "no page": ("GET /nothing", b"", 404),
    "feed, refused": ("GET /realms/realm_1/feed", b"", 404),
    "probe": ("GET /livez", b"", 200),
    "connection, no path": ("GET", b"", 400),
}


@contextmanager
def answer_to(server: str, agent: WireAgent, asked: str, more: bytes) -> Iterator[HTTPResponse]:
    """Send a request with an id, an origin and a proxy's word that the client used TLS."""
    parts = urlsplit(server)
    head = (
        f"{asked} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: the-id\r\nOrigin: {APP}\r\n"
        f"X-Forwarded-Proto: https\r\nX-AISP-Key: {agent.agent.key}\r\nX-AISP-Session: {agent.id}\r\n"
    )
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10) as connection:
        connection.sendall(head.encode() + more + b"\r\n")
        answer = HTTPResponse(connection, method=asked.split()[0])
        answer.begin()
        yield answer


def common_headers(server: str, agent: WireAgent, part: str, case: tuple[str, bytes, int]) -> dict[str, str]:
    """Return the headers of an answer, after a look at its status, its security headers and its id."""
    asked, more, status = case
    with answer_to(server, agent, asked, more) as answer:
        headers = {name.lower(): value for name, value in answer.getheaders()}
        assert answer.status == status, part
    assert SECURITY.items() <= headers.items(), part
    assert headers["x-request-id"] == "the-id" or part == "connection, no path", part
    return headers


@pytest.fixture
def allowed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A page of APP may call, and answers to clients with TLS have HSTS."""
    settings.CORS_ALLOWED_ORIGINS = [APP]
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    exchange._security_headers.cache_clear()
    yield
    exchange._security_headers.cache_clear()


@pytest.mark.usefixtures("allowed")
def test_every_answer_of_the_api_has_id_security_cors_and_limits(server: str, alice: WireAgent) -> None:
    for part, case in OF_THE_API.items():
        headers = common_headers(server, alice, part, case)
        assert headers["access-control-allow-origin"] == APP, part
        assert {"ratelimit", "ratelimit-policy"} <= headers.keys(), part
        assert headers["cache-control"] == ("public, max-age=300" if part == "well known" else "no-store"), (
            part
        )
        if part != "connection":  # it has not read what the proxy says
            assert headers["strict-transport-security"] == TLS, part
        if case[2] >= 400:
            assert headers["content-type"] == "application/problem+json", part


@pytest.mark.usefixtures("allowed")
def test_every_other_answer_has_id_and_security(server: str, alice: WireAgent) -> None:
    for part, case in OTHERS.items():
        headers = common_headers(server, alice, part, case)
        assert "access-control-allow-origin" not in headers, part


def test_a_header_with_an_underscore_is_not_taken_for_the_real_one(server: str, alice: WireAgent) -> None:
    """Servers that turn both into one variable let a client forge what a proxy sets."""
    parts = urlsplit(server)
    forged = f"X_AISP_Key: {alice.agent.key}\r\nX_Forwarded_For: 192.0.2.7\r\n"
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10) as connection:
        connection.sendall(f"GET /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\n{forged}\r\n".encode())
        answer = HTTPResponse(connection)
        answer.begin()
        problem = json.loads(answer.read())

    assert (answer.status, problem["code"]) == (401, "invalid_credentials")
