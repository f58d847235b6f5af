"""Fixtures: the numbers since the test began, and the lines of the log."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from prometheus_client import REGISTRY

from config import log
from tests.observability.collector import Collector

Grown = Callable[..., float]
Lines = Callable[[str], list[dict[str, Any]]]


def value_of(name: str, labels: dict[str, str]) -> float:
    """Return a sample's value now; 0 before it is there."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def grown() -> Grown:
    """By how much a sample grew since the test began."""
    before = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
    }

    def by(name: str, **labels: str) -> float:
        return value_of(name, labels) - before.get((name, tuple(sorted(labels.items()))), 0.0)

    return by


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The lines of the log that tell of an event, as JSON."""
    log.configure({"level": "INFO", "format": "json"})
    [handler] = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    handler.setStream(stream)
    yield lambda event: [
        line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == event
    ]
    log.configure(settings.LOGGING)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """A collector on this machine."""
    collector = Collector()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()
