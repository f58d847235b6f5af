"""The HTTP server: clients that are slow, silent or out of bounds."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from hub.api.intake import Intake
from hub.live import server as http_server
from hub.live.listener import listen
from hub.sessions.presence import OpenStream
from tests.live.client import WireAgent
from tests.waiting import wait_until

PATIENCE_SECONDS = 10


@pytest.fixture
def connection(server: str) -> Iterator[socket.socket]:
    """A connection on which nothing was said yet."""
    parts = urlsplit(server)
    with socket.create_connection((str(parts.hostname), parts.port or 0), PATIENCE_SECONDS) as found:
        yield found


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little time for heads, and little patience with who does not read."""
    monkeypatch.setattr(http_server, "HEAD_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(http_server, "STALL_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(http_server, "STALL_LOOK_SECONDS", 0.1)


def rest_of(connection: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def ask_and_read(connection: socket.socket) -> None:
    """Ask for /livez and read the whole answer, on a connection that stays open."""
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = b""
    while b"alive" not in answer:
        answer += connection.recv(65_536)


def problem(answer: bytes) -> tuple[int, str]:
    """Return status and code of an answer that is a problem."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head.lower()
    assert json.loads(body)["request_id"].encode() in head
    return int(head.split(b" ")[1]), json.loads(body)["code"]


@pytest.mark.usefixtures("hurried")
def test_a_head_that_does_not_end_in_time_is_refused(connection: socket.socket) -> None:
    connection.sendall(b"GET /api/v1/sessions HTTP/1.1\r\nHost: x\r\nX-Slow:")

    assert problem(rest_of(connection)) == (408, "request_timeout")


@pytest.mark.usefixtures("hurried")
def test_a_connection_on_which_nothing_is_asked_is_closed(connection: socket.socket) -> None:
    assert rest_of(connection) == b""


@pytest.mark.usefixtures("hurried")
def test_the_second_request_has_its_time_too(connection: socket.socket) -> None:
    ask_and_read(connection)
    connection.sendall(b"GET /livez HTTP/1.1\r\n")

    assert problem(rest_of(connection)) == (408, "request_timeout")


@pytest.mark.parametrize("end", [b"\r\n\r\n", b""], ids=["ended", "endless"])
@pytest.mark.parametrize(
    "bomb",
    [
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Bomb: " + b"x" * 40_000,
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: 1234567890\r\n" * 2_000 + b"X-Last: 1",
        b"GET /livez?" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: localhost",
    ],
    ids=["one long header", "many headers", "a long target"],
)
def test_a_head_beyond_bounds_is_refused(connection: socket.socket, bomb: bytes, end: bytes) -> None:
    connection.sendall(bomb + end)

    assert problem(rest_of(connection)) == (431, "head_too_large")


def test_a_head_within_bounds_is_read(connection: socket.socket) -> None:
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 30_000 + b"\r\n\r\n")

    assert connection.recv(65_536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00\x01\x00", b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_http_is_refused(connection: socket.socket, noise: bytes) -> None:
    connection.sendall(noise)

    assert problem(rest_of(connection)) == (400, "invalid_request")


@pytest.mark.usefixtures("hurried")
def test_a_stream_whose_client_does_not_read_is_cut_off(
    alice: WireAgent, bob: WireAgent, connection: socket.socket
) -> None:
    lines = [f"{name}: {value}" for name, value in {"Host": "localhost", **bob.headers()}.items()]
    head = "\r\n".join(["GET /api/v1/messages/stream HTTP/1.1", *lines, "", ""])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    connection.sendall(head.encode())
    assert connection.recv(16)
    sent = [alice.send(bob.id, payload={"text": "x" * 200_000}) for _ in range(40)]

    wait_until(lambda: not OpenStream.objects.exists())

    assert rest_of(connection).count(b"event: message") < len(sent)
    # What it did not get is neither lost nor out of order for who comes back.
    with bob.stream(Last_Event_ID=sent[0]) as stream:
        assert stream.messages(39) == sent[1:]


def test_a_body_that_goes_on_after_its_refusal_does_not_hide_the_answer(
    connection: socket.socket, alice: WireAgent
) -> None:
    size = 4 * 1024 * 1024
    lines = "".join(f"{name}: {value}\r\n" for name, value in alice.headers().items())
    head = f"POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: {size}\r\n\r\n"
    connection.sendall(head.encode())
    connection.sendall(b"x" * size)

    assert problem(rest_of(connection)) == (413, "body_too_large")


def request_of(method: str, path: str, agent: WireAgent, body: bytes = b"") -> bytes:
    """Return the bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-AISP-Key: {agent.agent.key}\r\n"
    return f"{head}X-AISP-Session: {agent.id}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_what_follows_a_request_does_not_disturb_its_answer(
    connection: socket.socket, alice: WireAgent
) -> None:
    connection.sendall(request_of("GET", "/api/v1/sessions", alice) + b"garbage\r\n\r\n")

    answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_half_a_request_behind_a_large_one_has_its_own_room(
    connection: socket.socket, alice: WireAgent
) -> None:
    entries = {"entries": [{"key": "notes.large", "value": "x" * 60_000}]}
    second = request_of("GET", "/api/v1/memory/notes.large", alice)

    connection.sendall(
        request_of("POST", "/api/v1/memory", alice, json.dumps(entries).encode()) + second[:30]
    )
    connection.sendall(second[30:-2] + b"Connection: close\r\n\r\n")

    answer = rest_of(connection)
    assert answer.count(b"HTTP/1.1 200") == 2


def test_what_a_client_writes_on_its_stream_is_not_answered_into_it(server: str, alice: WireAgent) -> None:
    parts = urlsplit(server)
    with socket.create_connection((str(parts.hostname), parts.port or 0), PATIENCE_SECONDS) as stream:
        stream.sendall(request_of("GET", "/api/v1/messages/stream", alice))
        seen = stream.recv(65_536)
        stream.sendall(b"garbage\r\n\r\n")
        message_id = alice.send(alice.id).encode()
        while message_id not in seen:
            seen += stream.recv(65_536)

    assert seen.count(b"HTTP/1.1") == 1


@pytest.mark.usefixtures("hurried")
def test_an_empty_line_does_not_keep_a_connection_open(connection: socket.socket) -> None:
    ask_and_read(connection)
    connection.sendall(b"\r\n")

    assert rest_of(connection) in (b"", b"alive\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /docs HTTP/1.1\r\nContent-Type: a/b; x*=foo'b'y", 400),
        (b"GET /api/v1/sessions HTTP/1.1\r\nContent-Type: a/b; x*=foo'b'y", 401),
        (b"POST /livez HTTP/1.1\r\nContent-Length: 0", 405),
        (b"GET //api/v1/messages/stream HTTP/1.1", 404),
        (b"POST /static/hub/hub.css HTTP/1.0\r\nContent-Length: 0", 405),
        (b"GET /static/hub/hub.css HTTP/1.0\r\nRange: bytes=99999999-", 416),
        (
            b"POST /accounts/login/ HTTP/1.1\r\nCookie: csrftoken=" + b"x" * 32 + b"\r\nContent-Length: 0\r\n"
            b"Content-Type: application/x-www-form-urlencoded; charset=rot13",
            400,
        ),
    ],
)
def test_an_odd_request_is_refused(
    connection: socket.socket, transactional_db: None, sent: bytes, status: int
) -> None:
    connection.sendall(sent + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    head, _, body = rest_of(connection).partition(b"\r\n\r\n")
    assert int(head.split(b" ")[1]) == status
    assert b"x-request-id" in head.lower()
    assert f"content-length: {len(body)}\r".encode() in head.lower() + b"\r"


def test_a_request_that_does_not_end_before_the_process_is_sent_back_with_a_503() -> None:
    began = threading.Event()

    async def never_ends(*_: Any) -> None:
        began.set()
        await asyncio.Event().wait()

    config = http_server.config()
    config.app, config.lifespan, config.timeout_graceful_shutdown = Intake(never_ends), "off", 0
    hub = http_server.Server(config)
    with listen("127.0.0.1", 0, backlog=1) as listener, ThreadPoolExecutor(1) as pool:
        running = pool.submit(hub.run, [listener])
        with socket.create_connection(listener.getsockname(), PATIENCE_SECONDS) as connection:
            connection.sendall(b"GET /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\n\r\n")
            began.wait(PATIENCE_SECONDS)
            hub.should_exit = True
            answer = rest_of(connection)
        running.result(PATIENCE_SECONDS)

    assert problem(answer) == (503, "unavailable")
    assert b"retry-after: 5\r\n" in answer.lower()
