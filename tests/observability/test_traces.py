"""Traces, of a hub in a process of its own, as a collector gets them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests import processes
from tests.live.processes import ROOT
from tests.observability.collector import Collector
from tests.servers import free_port
from tests.waiting import wait_until

# Traces of callers.
REQUESTS = "0af7651916cd43dd8448eb211c80319c"
LASTING = "0af7651916cd43dd8448eb211c80319d"
SECRET = b"what-nobody-may-read"


@dataclass(frozen=True)
class Hub:
    """A hub that is asked for traces: its address, its log, and where its traces go."""

    base: str
    log: Path
    collector: Collector


@pytest.fixture(scope="module")
def hub(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """The hub of all tests here, so each has a trace of its own."""
    port, folder = free_port(), tmp_path_factory.mktemp("traced")
    others = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    environment = {
        **others,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PORT": str(port),
        "HUB_DATA_DIR": str(folder),
        "HUB_ORIGIN": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "INFO",
    }
    with (folder / "log").open("wb") as log:
        process = processes.start(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        base = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_up(base), seconds=30)
        yield Hub(base, folder / "log", collector)
    finally:
        processes.end(process)


def _is_up(base: str) -> bool:
    try:
        return httpx.get(f"{base}/livez").status_code == 200
    except httpx.HTTPError:
        return False


def traceparent(trace: str) -> str:
    return f"00-{trace}-b7ad6b7169203331-01"


def spans_of(hub: Hub, trace: str, *, requests: int) -> list[Span]:
    """Return the spans of a caller's trace once those of so many requests are there."""

    def spans() -> list[Span]:
        return [span for span in hub.collector.spans() if span.trace_id.hex() == trace]

    wait_until(lambda: sum(span.kind == Span.SPAN_KIND_SERVER for span in spans()) == requests)
    return spans()


def test_a_request_is_a_span_of_its_callers_trace_with_its_statements(hub: Hub) -> None:
    answer = httpx.get(
        f"{hub.base}/api/v1/sessions?name={SECRET.decode()}",
        headers={"traceparent": traceparent(REQUESTS), "X-AISP-Key": SECRET.decode(), "X-Request-ID": "r-3"},
    )
    assert answer.status_code == 401
    httpx.get(f"{hub.base}/invitations/{SECRET.decode()}", headers={"traceparent": traceparent(REQUESTS)})

    spans = spans_of(hub, REQUESTS, requests=2)
    [of_api] = [span for span in spans if span.name == "GET api/v1/sessions"]
    said = {each.key: each.value.string_value or each.value.int_value for each in of_api.attributes}
    assert said["http.response.status_code"] == 401
    assert said["aisp.request_id"] == "r-3"
    assert said["error.type"] == "invalid_credentials"
    [of_page] = [span for span in spans if span.name == "GET invitations/<str:token>"]
    children = [span for span in spans if span.parent_span_id == of_page.span_id]
    assert {span.name for span in children} >= {"SELECT"}
    assert not any(SECRET in body for body in hub.collector.bodies)
    assert f'"trace_id":"{REQUESTS}"' in hub.log.read_text()


def test_so_is_what_stays_open(hub: Hub) -> None:
    headers = {"traceparent": traceparent(LASTING), "X-AISP-Key": SECRET.decode()}
    httpx.post(f"{hub.base}/api/v1/sessions/{SECRET.decode()}/ping", headers=headers)
    httpx.get(f"{hub.base}/api/v1/messages/stream", headers=headers)

    spans = spans_of(hub, LASTING, requests=2)
    assert sorted(span.name for span in spans if span.kind == Span.SPAN_KIND_SERVER) == [
        "GET api/v1/messages/stream",
        "POST api/v1/sessions/<str:session_id>/ping",
    ]
    assert not any(SECRET in body for body in hub.collector.bodies)


def test_what_traces_need_is_named_where_it_is_missing(tmp_path: Path) -> None:
    hidden = tmp_path / "opentelemetry"
    hidden.mkdir()
    (hidden / "__init__.py").write_text("raise ImportError")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
    }

    ended = subprocess.run(
        [sys.executable, "-c", "import config.asgi"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert ended.returncode != 0
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is set" in ended.stderr
    assert "aisp-hub[tracing]" in ended.stderr
