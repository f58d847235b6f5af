"""SIGTERM: the process goes in order, and soon."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPException
from subprocess import Popen

import httpx
import pytest
from django.db import transaction

from hub.messages.models import Inbox, Message
from hub.sessions.presence import STREAMS_PER_SESSION, OpenStream
from tests.cast import new_agent
from tests.live.client import WireAgent
from tests.live.processes import ServerProcess, hosted_environment, running_server
from tests.live.test_two_processes import database_url
from tests.servers import free_port
from tests.waiting import somebody_waits_for_us, wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

GONE_WITHIN_SECONDS = 15
DRAINS_LONG = "4"  # the most


@pytest.fixture
def hub(
    request: pytest.FixtureRequest, django_db_setup: None, transactional_db: None
) -> Iterator[ServerProcess]:
    """A server process of its own, which takes requests for a second more, or as long as the test says."""
    drains = getattr(request, "param", "1")
    with running_server(database_url(), os.environ["TEST_REDIS_URL"], HUB_DRAIN_SECONDS=drains) as server:
        yield server


@pytest.fixture
def agents(hub: ServerProcess, key: str) -> Iterator[tuple[WireAgent, WireAgent]]:
    """Alice and bob."""
    with (
        WireAgent(hub.base, new_agent(key, "alice")) as alice,
        WireAgent(hub.base, new_agent(key, "bob")) as bob,
    ):
        yield alice, bob


def test_streams_are_told_and_the_process_goes(
    hub: ServerProcess, agents: tuple[WireAgent, WireAgent]
) -> None:
    alice, bob = agents
    streams = [bob.stream() for _ in range(5)]
    sent = alice.send(bob.id)
    assert all(stream.messages(1) == [sent] for stream in streams)

    hub.process.send_signal(signal.SIGTERM)

    retries = set()
    for stream in streams:
        close = stream.next()
        assert (close.event, close.data) == ("close", {"reason": "shutting_down", "reconnect": True})
        retries.add(close.retry)
        assert stream.ended()
    assert len(retries) > 1 and all(1_000 <= (retry or 0) <= 5_000 for retry in retries), "jittered"
    assert hub.process.wait(GONE_WITHIN_SECONDS) in (0, -signal.SIGTERM)


@pytest.mark.parametrize("hub", [DRAINS_LONG], indirect=True)
def test_while_it_drains_it_answers_but_is_not_ready(
    hub: ServerProcess, agents: tuple[WireAgent, WireAgent]
) -> None:
    alice, bob = agents
    assert httpx.get(f"{hub.base}/readyz").status_code == 200

    hub.process.send_signal(signal.SIGTERM)

    wait_until(lambda: httpx.get(f"{hub.base}/readyz").status_code == 503)
    assert httpx.get(f"{hub.base}/readyz").text == "draining\n"
    answer = alice.post("/messages", envelope(alice, bob))
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    hub.process.wait(GONE_WITHIN_SECONDS)


@pytest.mark.parametrize("hub", [DRAINS_LONG], indirect=True)
def test_an_answer_that_is_under_way_when_it_begins_to_drain_ends_its_connection(
    hub: ServerProcess, agents: tuple[WireAgent, WireAgent]
) -> None:
    alice, bob = agents
    with sending(alice, bob) as answer:
        hub.process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{hub.base}/readyz").status_code == 503)
    assert (answer.result().status_code, answer.result().headers["connection"]) == (200, "close")


@pytest.mark.parametrize("hub", [DRAINS_LONG], indirect=True)
def test_while_it_drains_it_sends_away_whoever_comes_back_however_often(
    hub: ServerProcess, agents: tuple[WireAgent, WireAgent]
) -> None:
    _, bob = agents
    hub.process.send_signal(signal.SIGTERM)
    wait_until(lambda: httpx.get(f"{hub.base}/readyz").status_code == 503)

    for _ in range(STREAMS_PER_SESSION + 2):
        with bob.stream() as stream:
            assert stream.next().event == "close"
    assert not OpenStream.objects.exists()
    hub.process.wait(GONE_WITHIN_SECONDS)


def test_a_request_that_runs_is_answered(hub: ServerProcess, agents: tuple[WireAgent, WireAgent]) -> None:
    """A ping is the longest: nobody answers it, so that it takes its 5 s."""
    alice, bob = agents
    with httpx.Client(timeout=30) as client:
        request = client.build_request(
            "POST", f"{hub.base}/api/v1/sessions/{bob.id}/ping", headers=alice.headers()
        )
        with bob.stream() as stream, ThreadPoolExecutor(1) as pool:
            answer = pool.submit(client.send, request)
            assert stream.next().data["category"] == "ping"
            began = time.monotonic()
            hub.process.send_signal(signal.SIGTERM)
            assert answer.result().json()["code"] == "ping_timeout"
    hub.process.wait(GONE_WITHIN_SECONDS)
    assert time.monotonic() - began < GONE_WITHIN_SECONDS


def post_until_it_is_gone(
    hub: ServerProcess, sender: WireAgent, body: dict[str, object], *, keeps_connection: bool
) -> list[int]:
    """Send one request after the other until nobody listens, and return the statuses of the answers.

    A request that was sent and not answered has the status 0.
    """
    statuses: list[int] = []
    headers = {"X-AISP-Key": str(sender.agent.key)}
    connection = HTTPConnection(*hub.address, timeout=10)
    while True:
        try:
            if connection.sock is None:  # it opens a new one after `Connection: close`
                connection.connect()
        except ConnectionRefusedError:
            return statuses
        try:
            connection.request("POST", "/api/v1/messages", json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        except (OSError, HTTPException):
            statuses.append(0)
            connection.close()
        if not keeps_connection:
            connection.close()


def test_every_request_that_was_sent_is_answered(
    hub: ServerProcess, agents: tuple[WireAgent, WireAgent]
) -> None:
    alice, bob = agents
    post = partial(post_until_it_is_gone, hub, alice, envelope(alice, bob))
    with ThreadPoolExecutor(6) as pool:
        callers = [pool.submit(post, keeps_connection=bool(i % 2)) for i in range(6)]
        wait_until(lambda: Message.objects.count() > 50)
        hub.process.send_signal(signal.SIGTERM)
        statuses = [status for caller in callers for status in caller.result()]
    hub.process.wait(GONE_WITHIN_SECONDS)

    assert set(statuses) == {200}
    assert Message.objects.count() == len(statuses)


@pytest.mark.parametrize("sent_before", [0, 40], ids=["nothing", "half a head"])
def test_a_request_that_comes_while_the_listener_closes_is_answered(
    hub: ServerProcess, agents: tuple[WireAgent, WireAgent], sent_before: int
) -> None:
    alice, bob = agents
    request = raw_post(alice, envelope(alice, bob))
    with socket.create_connection(hub.address, timeout=10) as connection:
        connection.sendall(request[:sent_before])
        hub.process.send_signal(signal.SIGINT)  # without the time to drain
        wait_until(lambda: is_closed(hub))
        connection.sendall(request[sent_before:])
        answer = connection.recv(65_536)
    hub.process.wait(GONE_WITHIN_SECONDS)

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in answer.lower()


def test_an_idle_connection_does_not_hold_the_process(hub: ServerProcess) -> None:
    with socket.create_connection(hub.address, timeout=10) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not connection.recv(65_536).endswith(b"alive\n"):
            pass
        began = time.monotonic()
        hub.process.send_signal(signal.SIGINT)
        assert connection.recv(65_536) == b""
        hub.process.wait(GONE_WITHIN_SECONDS)

    assert time.monotonic() - began < 5


def test_a_client_that_does_not_read_holds_up_nobody(
    hub: ServerProcess, agents: tuple[WireAgent, WireAgent]
) -> None:
    alice, bob = agents
    with (
        httpx.Client() as client,
        client.stream("GET", f"{hub.base}/api/v1/messages/stream", headers=bob.headers()),
    ):
        for _ in range(40):
            alice.send(bob.id, payload={"text": "x" * 200_000})
        hub.process.send_signal(signal.SIGTERM)
        hub.process.wait(GONE_WITHIN_SECONDS)


def test_a_second_interrupt_does_not_wait_for_a_request_that_hangs(
    hub: ServerProcess, agents: tuple[WireAgent, WireAgent]
) -> None:
    alice, bob = agents
    with sending(alice, bob) as answer:
        for _ in range(2):
            hub.process.send_signal(signal.SIGINT)
            wait_until(lambda: is_closed(hub))
        assert hub.process.wait(3) == 0
        assert answer.result().status_code == 503


@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGINT])
def test_streams_are_told_by_a_plain_uvicorn_too(
    key: str, transactional_db: None, ends: signal.Signals
) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    environment = hosted_environment(database_url(), os.environ["TEST_REDIS_URL"], base)
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "config.asgi:application",
        f"--port={port}",
        "--log-level=error",
    ]
    with Popen(command, env={**environment, "HUB_DRAIN_SECONDS": "0.1"}) as process:
        wait_until(lambda: _answers(lambda: httpx.get(f"{base}/livez")), seconds=30)
        with WireAgent(base, new_agent(key, "alice")) as alice, alice.stream() as stream:
            process.send_signal(ends)
            assert stream.next().event == "close"
            assert stream.ended()
        process.wait(GONE_WITHIN_SECONDS)


def envelope(sender: WireAgent, to: WireAgent) -> dict[str, object]:
    return {"aisp": "0.1", "from": sender.id, "to": to.id, "category": "message", "payload": {}}


@contextmanager
def sending(sender: WireAgent, to: WireAgent) -> Iterator[Future[httpx.Response]]:
    """Give the answer to a send that waits in the hub until the end of the block."""
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Inbox.objects.select_for_update().get(session=to.agent.session)
        answer = pool.submit(sender.post, "/messages", envelope(sender, to))
        wait_until(somebody_waits_for_us)
        yield answer


def raw_post(sender: WireAgent, body: dict[str, object]) -> bytes:
    """Return the bytes of a send."""
    content = json.dumps(body).encode()
    head = f"POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nX-AISP-Key: {sender.agent.key}\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def is_closed(hub: ServerProcess) -> bool:
    """Tell whether nobody listens at the process's port any more."""
    try:
        socket.create_connection(hub.address, timeout=0.05).close()
    except TimeoutError:  # packets that open connections are dropped
        return True
    except ConnectionRefusedError:
        return True
    return False


def _answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except httpx.HTTPError:
        return False
    return True
