"""A hosted hub as it is deployed: all roles as processes, on PostgreSQL and Redis, behind nginx with TLS."""

import json
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from hub.docs.contents import WRITTEN
from tests.deploy.proxy import NAME
from tests.deploy.stack import Stack, running_stack
from tests.deploy.traffic import Traffic, register, send
from tests.docs.samples import RUN, Sample, printed, samples_of
from tests.live.processes import ROOT
from tests.servers import Missing
from tests.waiting import wait_until

# PostgreSQL and Redis are its own: on SQLite it would run a second time.
pytestmark = [pytest.mark.deployment, pytest.mark.postgres, pytest.mark.redis]

SPOOFED = "203.0.113.66"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The hub, for all tests of this file."""
    try:
        with running_stack(tmp_path_factory.mktemp("stack")) as hub:
            yield hub
    except Missing as missing:
        pytest.skip(f"Missing: {missing}")


@pytest.fixture
def client(hub: Stack) -> Iterator[httpx.Client]:
    """A client of the hub with its key."""
    with hub.client() as client:
        yield client


@pytest.mark.parametrize("slug", ["README", "receive-messages", "share-memory", "delegate", "sign-requests"])
def test_what_is_documented_works_through_the_proxy(
    hub: Stack, slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The README's quickstart and samples: sessions, messages, streams, memory, grants, tokens."""
    for name in ("CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(hub.certificate))
    unlimited = ("--reads-per-minute", "unlimited", "--writes-per-minute", "unlimited")
    realm = slug.lower().replace("/", "-")
    of = ("--realm", realm, "--owner", "ada@example.com")
    hub.manage("realm", "create", realm, "--owner", "ada@example.com")
    key = hub.manage("apikey", "issue", *of, "--name", "reader", *unlimited)
    if slug == "README":
        quickstart = re.search(r"```sh\n(hub\(\).*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        assert quickstart is not None
        [said_all] = printed([Sample("sh", quickstart[1])], origin=hub.base, key=key, folder=tmp_path)
        for said in ("Hello, Bob", "event: message", "latency_ms", '"My Project"', "grant_required"):
            assert said in said_all, said_all
        return
    samples = samples_of(WRITTEN[slug], origin=hub.base, key=key)
    for language in RUN:
        if here := [sample for sample in samples if sample.language == language]:
            assert len(printed(here, origin=hub.base, key=key, folder=tmp_path)) == len(here)


def test_an_event_comes_while_the_stream_is_open(client: httpx.Client) -> None:
    alice, bob = register(client, "stream-alice"), register(client, "stream-bob")
    with client.stream("GET", "/api/v1/messages/stream", headers={"X-AISP-Session": bob}) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("retry:")
        sent = send(client, alice, bob, n=1).json()["message_id"]
        assert [next(lines), next(lines)] == ["event: message", f"id: {sent}"]
        assert json.loads(next(lines)[5:])["payload"] == {"n": 1}


def test_a_body_that_no_request_may_have_is_refused_by_the_proxy_as_the_hub_would(
    client: httpx.Client,
) -> None:
    answer = client.post("/api/v1/memory", content=b" " * (9 * 1024 * 1024))

    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert answer.json()["code"] == "body_too_large"


@pytest.mark.parametrize(("path", "code"), [("messages", "body_too_large"), ("memory", "invalid_json")])
def test_memory_alone_takes_more_than_a_mebibyte(client: httpx.Client, path: str, code: str) -> None:
    for _ in range(5):
        answer = client.post(f"/api/v1/{path}", content=b" " * (2 * 1024 * 1024))

        assert answer.json()["code"] == code
        assert answer.status_code == answer.json()["status"]


def test_nobody_outside_gets_at_what_is_for_the_inside(client: httpx.Client) -> None:
    assert [client.get(path).status_code for path in ("/metrics", "/readyz")] == [404, 404]
    assert client.get("/livez").text == "alive\n"


@pytest.mark.parametrize("role", ["web-1", "streams-1", "worker-1"])
def test_those_inside_do_with_the_token(hub: Stack, role: str) -> None:
    at = f"{hub.roles[role].base}/metrics"
    token = {"Authorization": f"Bearer {hub.environment['HUB_METRICS_TOKEN']}"}

    assert httpx.get(at).status_code == 401
    assert "aisp_hub_build_info" in httpx.get(at, headers=token).text


@pytest.mark.parametrize("path", ["/api/v1/sessions", "/api/v1/messages/stream"])
def test_a_client_cannot_say_where_it_comes_from(hub: Stack, path: str) -> None:
    trust = ssl.create_default_context(cafile=str(hub.certificate))
    mine = f"spoof{len(path)}"
    said = {
        "X-Forwarded-For": SPOOFED,
        "Forwarded": f"for={SPOOFED}",
        "X-Request-ID": mine,
        "X-AISP-Key": "none",
    }

    assert httpx.get(hub.base + path, headers=said, verify=trust).status_code == 401

    def lines() -> list[str]:
        return [line for line in hub.logs().splitlines() if f'"request_id":"{mine}"' in line]

    wait_until(lambda: bool(lines()))  # a stream's is written when it has ended
    assert [json.loads(line)["address"] for line in lines()] == ["127.0.0.1"]
    assert SPOOFED not in hub.logs()


def test_pages_come_through_with_their_links_and_files(hub: Stack, client: httpx.Client) -> None:
    page = client.get("/accounts/login/")

    assert page.status_code == 200
    assert "max-age" in page.headers["Strict-Transport-Security"]
    [style] = re.findall(r'<link rel="stylesheet"[^>]*href="(/static/[^"]+)"', page.text)[:1]
    sheet = client.get(style)
    assert (sheet.status_code, sheet.headers["Content-Encoding"]) == (200, "gzip")


def test_what_comes_in_clear_is_sent_to_tls_but_for_the_api(hub: Stack) -> None:
    conf = (hub.folder / "hub.conf").read_text()
    [port] = re.findall(r"listen (\d+);", conf)
    page = httpx.get(f"http://127.0.0.1:{port}/docs", headers={"Host": NAME})

    assert (page.status_code, page.headers["Location"]) == (308, f"{hub.base}/docs")
    assert httpx.get(f"http://127.0.0.1:{port}/api/v1/sessions", headers={"Host": NAME}).status_code == 403


def test_a_head_that_does_not_end_is_given_up_by_the_proxy(hub: Stack) -> None:
    port = int(hub.base.rsplit(":", 1)[1])
    trust = ssl.create_default_context(cafile=str(hub.certificate))
    with closing(trust.wrap_socket(socket.create_connection((NAME, port)), server_hostname=NAME)) as slow:
        slow.settimeout(15)
        slow.sendall(b"GET /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        assert b" 200 " not in slow.recv(4096)


def test_a_grant_expires_by_worker_and_beat_and_both_are_told(client: httpx.Client) -> None:
    alice, bob = register(client, "grant-alice"), register(client, "grant-bob")
    until = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    wanted = {"to": bob, "capability": "memory.read", "namespace": "plans.*", "expires_at": until}
    asked = client.post("/api/v1/grants", json=wanted, headers={"X-AISP-Session": alice}).json()["grant_id"]

    def events(session: str) -> set[str]:
        answer = client.get("/api/v1/messages?after=msg_" + "0" * 26, headers={"X-AISP-Session": session})
        messages = answer.json()["messages"]
        return {each["payload"]["event"] for each in messages if each["payload"].get("grant_id") == asked}

    wait_until(lambda: "expired" in events(alice) and "expired" in events(bob), seconds=30)


@pytest.mark.parametrize("name", ["web-1", "streams-1", "web-2", "streams-2"])
def test_a_process_is_replaced_under_load_and_no_request_fails(hub: Stack, name: str) -> None:
    with Traffic(hub, f"beside-{name}") as traffic:
        traffic.goes_on()
        hub.roles[name].replace()
        traffic.goes_on()


def test_secrets_are_in_no_log(hub: Stack) -> None:
    said = hub.logs() + (hub.folder / "nginx.log").read_text()

    assert len(said) > 1000
    for secret in (hub.key, hub.environment["SECRET_KEY"], hub.environment["HUB_METRICS_TOKEN"]):
        assert secret not in said
