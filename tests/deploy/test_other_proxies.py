"""Caddy and Traefik in front of a hub, by the files that are deployed, where they are installed."""

import json
import os
import re
import shutil
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests import processes
from tests.deploy.proxy import NAME, make_certificate
from tests.deploy.traffic import register, send
from tests.live.processes import ROOT
from tests.servers import free_port
from tests.waiting import wait_until

SPOOFED = "203.0.113.66"
CLIENT = "127.0.0.2"  # so that the hub can tell the client from the proxy


@dataclass(frozen=True)
class Behind:
    """A hub behind a proxy: its address there, what that is trusted by, a key, and the hub's log."""

    base: str
    certificate: Path
    key: str
    log: Path

    def client(self) -> httpx.Client:
        """Return a client of the hub."""
        trust = ssl.create_default_context(cafile=str(self.certificate))
        transport = httpx.HTTPTransport(verify=trust, local_address=CLIENT)
        return httpx.Client(
            base_url=self.base, transport=transport, headers={"X-AISP-Key": self.key}, timeout=30
        )

    def lines(self, path: str) -> list[dict[str, object]]:
        """Return the lines of the hub's log of requests to a path."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("route", "") == path]


def caddy(folder: Path, port: int, hub: str) -> list[str]:
    """Write Caddy's configuration, and return the command that runs it."""
    text = (ROOT / "deploy/caddy/Caddyfile").read_text()
    ports = f"{{\n\tadmin off\n\tauto_https off\n\thttps_port {port}\n\thttp_port {free_port()}\n"
    text = text.replace("{\n", ports, 1)
    site = "{$HUB_NAME} {\n"
    text = text.replace(site, f"{site}\ttls {folder}/fullchain.pem {folder}/privkey.pem\n")
    for name, value in {"HUB_NAME": f"https://{NAME}", "HUB_WEB": hub, "HUB_STREAMS": hub}.items():
        text = text.replace(f"{{${name}}}", value)
    (folder / "Caddyfile").write_text(text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def traefik(folder: Path, port: int, hub: str) -> list[str]:
    """Write Traefik's configuration, and return the command that runs it."""
    rules = (ROOT / "deploy/traefik/hub.yaml").read_text().replace("hub.example.com", NAME)
    rules = re.sub(r"http://10\.0\.3\.\d:8000", f"http://{hub}", rules)
    rules = rules.replace("{certResolver: letsencrypt}", "{}")
    pair = f"{{certFile: {folder}/fullchain.pem, keyFile: {folder}/privkey.pem}}"
    (folder / "hub.yaml").write_text(f"{rules}\ntls:\n  certificates: [{pair}]\n")
    start = (ROOT / "deploy/traefik/traefik.yaml").read_text()
    start = start.replace('":80"', f'"127.0.0.1:{free_port()}"').replace('":443"', f'"127.0.0.1:{port}"')
    start = start.replace("/etc/traefik/hub.yaml", f"{folder}/hub.yaml")
    start = re.sub(r"certificatesResolvers:\n.*\n.*\n", "", start)
    (folder / "traefik.yaml").write_text(start)
    return ["traefik", f"--configFile={folder}/traefik.yaml"]


Prepare = Callable[[Path, int, str], list[str]]


@contextmanager
def behind(prepare: Prepare, folder: Path) -> Iterator[Behind]:
    """Run a hub behind a proxy."""
    certificate, port, inner = make_certificate(folder), free_port(), free_port()
    command = prepare(folder, port, f"127.0.0.1:{inner}")
    base, log = f"https://{NAME}:{port}", folder / "hub.log"
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    hub = {"HUB_DATA_DIR": str(folder / "data"), "PORT": str(inner), "LOG_FORMAT": "json", "HUB_ORIGIN": base}
    with log.open("wb") as output, (folder / "proxy.log").open("wb") as proxys:
        up = [sys.executable, "manage.py", "up"]
        with (
            processes.running(up, cwd=ROOT, env={**kept, **hub}, stdout=output, stderr=output),
            processes.running(command, env=kept, stdout=proxys, stderr=proxys) as proxy,
        ):
            wait_until(lambda: "startup complete" in log.read_text(), seconds=60)
            [key] = set(re.findall(r"aisp_[0-9A-Za-z]{38}", log.read_text()))
            there = Behind(base, certificate, key, log)
            with there.client() as client:
                wait_until(lambda: _answers(client) or proxy.poll() is not None, seconds=20)
                assert proxy.poll() is None, (folder / "proxy.log").read_text()
            yield there


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/livez").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module", params=[caddy, traefik], ids=["caddy", "traefik"])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """A hub behind each proxy that is installed."""
    prepare: Prepare = request.param
    if shutil.which(prepare.__name__) is None:
        pytest.skip(f"{prepare.__name__} is not installed")
    with behind(prepare, tmp_path_factory.mktemp(prepare.__name__)) as there:
        yield there


def test_an_event_comes_at_once_while_the_stream_is_open(hub: Behind) -> None:
    with hub.client() as client:
        alice, bob = register(client, "alice"), register(client, "bob")
        with client.stream("GET", "/api/v1/messages/stream", headers={"X-AISP-Session": bob}) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry:")
            began = time.monotonic()
            sent = send(client, alice, bob, n=1).json()["message_id"]
            assert [next(lines), next(lines)] == ["event: message", f"id: {sent}"]
            assert time.monotonic() - began < 2


def test_a_stream_outlives_the_silence_between_two_comments(hub: Behind) -> None:
    with hub.client() as client:
        quiet = register(client, "quiet")
        with client.stream("GET", "/api/v1/messages/stream", headers={"X-AISP-Session": quiet}) as stream:
            lines = (line for line in stream.iter_lines() if line)
            next(lines)
            assert next(lines).startswith(":")


@pytest.mark.parametrize("path", ["api/v1/sessions", "api/v1/messages/stream"])
def test_the_hub_sees_the_clients_address_and_not_what_the_client_says(hub: Behind, path: str) -> None:
    said = {"X-Forwarded-For": SPOOFED, "Forwarded": f"for={SPOOFED}", "X-AISP-Key": "none"}
    with hub.client() as client:
        assert client.get(f"/{path}", headers=said).status_code == 401

    wait_until(lambda: bool(hub.lines(path)))
    assert hub.lines(path)[-1]["address"] == CLIENT
    assert SPOOFED not in hub.log.read_text()


def test_nobody_outside_gets_at_what_is_for_the_inside(hub: Behind) -> None:
    with hub.client() as client:
        for path in ("/metrics", "/readyz"):
            assert client.get(path).status_code in (403, 404)


def test_a_body_that_arrives_slowly_does_not_reach_the_hub_before_it_is_whole(hub: Behind) -> None:
    entries = json.dumps({"entries": [{"key": "slow.one", "value": "x" * 100}]}).encode()

    def slowly() -> Iterator[bytes]:
        for start in range(0, len(entries), 14):
            time.sleep(1.2)
            yield entries[start : start + 14]

    with hub.client() as client:
        session = register(client, "slow")
        headers = {"X-AISP-Session": session, "Content-Length": str(len(entries))}
        answer = client.post("/api/v1/memory", content=slowly(), headers=headers)

    assert answer.status_code == 200, answer.text  # the hub itself answers 408 after 10 s
    assert float(str(hub.lines("api/v1/memory")[-1]["duration_ms"])) < 2000


@pytest.mark.parametrize(
    ("path", "size", "status"), [("messages", 2, 413), ("memory", 2, 400), ("memory", 9, 413)]
)
def test_bodies_have_the_hubs_limits(hub: Behind, path: str, size: int, status: int) -> None:
    with hub.client() as client:
        answer = client.post(f"/api/v1/{path}", content=b" " * (size * 1024 * 1024))

    assert answer.status_code == status
