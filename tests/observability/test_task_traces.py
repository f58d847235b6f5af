"""Traces of periodic work, by a worker in a process of its own, on PostgreSQL and Redis."""

import os
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests import processes
from tests.live.processes import ROOT, hosted_environment, worker_command
from tests.live.test_two_processes import database_url
from tests.observability.collector import Collector
from tests.waiting import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture
def worker(transactional_db: None, collector: Collector) -> Iterator[None]:
    """A worker that keeps the schedule and is asked for traces."""
    environment = {
        **hosted_environment(database_url(), os.environ["TEST_REDIS_URL"], "http://127.0.0.1"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with processes.running([*worker_command(), "--pool=threads"], cwd=ROOT, env=environment):
        yield


def test_a_run_is_a_span_with_its_statements(worker: None, collector: Collector) -> None:
    def statements_of_a_run() -> set[str]:
        spans = collector.spans()
        runs = {
            span.span_id
            for span in spans
            if span.name == "run/hub.tasks.expire_grants" and span.kind == Span.SPAN_KIND_CONSUMER
        }
        return {span.name for span in spans if span.parent_span_id in runs}

    wait_until(lambda: "SELECT" in statements_of_a_run(), seconds=30)
