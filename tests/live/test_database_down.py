"""PostgreSQL is gone, silent, or has no connection left: a 503 soon, and all is well when it is back."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from tests.live.client import StreamReader
from tests.live.processes import ROOT, hosted_environment, server_process
from tests.servers import Postgresql, running
from tests.waiting import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ANSWERED_WITHIN_SECONDS = 2.0
STATEMENT_SECONDS = 1.0  # what a request waits for a silent server, in these tests


@dataclass(frozen=True)
class Hub:
    """A server process on a PostgreSQL of its own, a key, and a session of it."""

    base: str
    database: Postgresql
    key: str
    session: str
    http: httpx.Client

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"X-AISP-Key": self.key, "X-AISP-Session": self.session}
        return self.http.request(method, path, headers=headers, **options)

    def send(self) -> httpx.Response:
        envelope = {
            "aisp": "0.1",
            "from": self.session,
            "to": self.session,
            "category": "message",
            "payload": {},
        }
        return self.call("POST", "/api/v1/messages", json=envelope)

    def stream(self) -> StreamReader:
        headers = {"X-AISP-Key": self.key, "X-AISP-Session": self.session}
        return StreamReader(f"{self.base}/api/v1/messages/stream", headers)


def founded(url: str, redis_url: str) -> str:
    """Migrate a database, make a realm in it, and return its key, whose limits nobody reaches."""
    command = [sys.executable, "-m", "tests.faults.founding", "default"]
    environment = hosted_environment(url, redis_url, "http://127.0.0.1")
    printed = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True).stdout
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE realms_apikey SET reads_per_minute = 1000000, writes_per_minute = 1000000")
    return str(json.loads(printed)["default"])


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running(Postgresql) as database:
        url, redis_url = database.url, os.environ["TEST_REDIS_URL"]
        with psycopg.connect(url.replace("/hub", "/postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE hub")

        key = founded(url, redis_url)
        with server_process(url, redis_url, HUB_STATEMENT_SECONDS=str(STATEMENT_SECONDS)) as base:
            new = {"name": "ada", "kind": "service"}
            answer = httpx.post(f"{base}/api/v1/sessions", headers={"X-AISP-Key": key}, json=new)
            with httpx.Client(base_url=base, timeout=30) as http:
                yield Hub(base, database, key, answer.json()["id"], http)


UNKNOWN = "msg_01HX9J2N3PQRSTVWXYZ0123456"

CALLS: dict[str, Callable[[Hub], httpx.Response]] = {
    "send": Hub.send,
    "acknowledge": lambda hub: hub.call("POST", "/api/v1/messages/ack", json={"up_to": UNKNOWN}),
    "poll": lambda hub: hub.call("GET", "/api/v1/messages"),
    "stream": lambda hub: hub.call("GET", "/api/v1/messages/stream"),
    "ping": lambda hub: hub.call("POST", f"/api/v1/sessions/{hub.session}/ping"),
    "sessions": lambda hub: hub.call("GET", "/api/v1/sessions"),
    "memory": lambda hub: hub.call("GET", "/api/v1/memory"),
    "grants": lambda hub: hub.call("GET", "/api/v1/grants"),
}


def assert_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unavailable"
    assert int(answer.headers["retry-after"]) >= 1


def assert_refused_soon(hub: Hub, *, within: float = ANSWERED_WITHIN_SECONDS) -> None:
    """All calls at once, several times over, are refused in time."""

    def timed(call: Callable[[Hub], httpx.Response]) -> tuple[httpx.Response, float]:
        began = time.monotonic()
        return call(hub), time.monotonic() - began

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(timed, [*CALLS.values()] * 5))
    for answer, seconds in answers:
        assert_unavailable(answer)
        assert seconds < within


def wait_until_well(hub: Hub) -> None:
    wait_until(lambda: hub.send().status_code == 200)
    assert hub.call("GET", "/readyz").status_code == 200


def test_while_it_is_gone_every_request_is_refused_and_streams_stay(hub: Hub) -> None:
    wait_until_well(hub)
    with hub.stream() as stream:
        assert stream.next().event == "message"
        hub.database.end(signal.SIGQUIT)
        try:
            assert_refused_soon(hub)
            assert hub.call("GET", "/readyz").status_code == 503
            assert hub.call("GET", "/livez").status_code == 200
            page = httpx.get(f"{hub.base}/admin/", cookies={"sessionid": "a" * 32})
            assert (page.status_code, "not available" in page.text) == (503, True)
            assert f"Try again in {page.headers['retry-after']} seconds." in page.text
            assert page.headers["x-request-id"] in page.text
        finally:
            hub.database.start()
        wait_until_well(hub)
        assert stream.next().event == "message"


def test_a_ping_that_waits_when_it_goes_is_refused_soon(hub: Hub) -> None:
    wait_until_well(hub)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(CALLS["ping"], hub)
        with psycopg.connect(hub.database.url, autocommit=True) as connection:
            waiting = "SELECT 1 FROM hub_ping WHERE answered_at IS NULL AND expires_at > now()"
            wait_until(lambda: connection.execute(waiting).fetchone() is not None)
        hub.database.end(signal.SIGQUIT)
        try:
            assert_unavailable(answer.result(ANSWERED_WITHIN_SECONDS))
        finally:
            hub.database.start()


def test_while_it_is_silent_requests_are_refused_after_a_while_and_then_at_once(hub: Hub) -> None:
    wait_until_well(hub)
    pids = hub.database.pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert_refused_soon(hub, within=10 * STATEMENT_SECONDS)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    wait_until_well(hub)


def test_while_its_connections_are_used_up_every_request_is_refused(hub: Hub) -> None:
    wait_until_well(hub)
    url = hub.database.url
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        limit = connection.execute("SHOW max_connections").fetchone()
        assert limit is not None
        mine = [connection, *(stack.enter_context(psycopg.connect(url)) for _ in range(int(limit[0]) - 30))]
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'hub' AND pid <> ALL(%s)",
            [[each.info.backend_pid for each in mine]],
        )
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            while True:
                stack.enter_context(psycopg.connect(url))
        assert_refused_soon(hub)
    wait_until_well(hub)
