"""Alert rules and the dashboard ask for numbers that there are."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from hub.api.observed import METHODS
from hub.urls import V1, api_urlpatterns
from tests.live.processes import ROOT

ALERTS = ROOT / "deploy/prometheus/alerts.yaml"
DASHBOARD = ROOT / "deploy/grafana/aisp-hub.json"
LABELS_OF_SCRAPES = {"job", "instance", "le"}
SUFFIXES = ("_total", "_bucket", "_sum", "_count", "")


def rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    return list(group["rules"])


def asked() -> Iterator[str]:
    """Yield each expression that is asked of Prometheus."""
    yield from (rule["expr"] for rule in rules())
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def labels_of(name: str) -> set[str] | None:
    """Return the labels of a sample by its name; None if the hub has none of this name."""
    for collector in list(REGISTRY._collector_to_names):
        names = REGISTRY._collector_to_names[collector]
        if name in names:
            return set(getattr(collector, "_labelnames", ()))
    return None


@pytest.mark.parametrize("expression", sorted(set(asked())))
def test_each_number_that_is_asked_for_is_there(expression: str) -> None:
    names = set(re.findall(r"\b(?:aisp_hub|process)_[a-z_]+", expression))
    known = {name: labels_of(name) for name in names}
    assert None not in known.values(), known

    for name, matchers in re.findall(r"((?:aisp_hub|process)_[a-z_]+)\{([^}]*)\}", expression):
        wanted = set(re.findall(r"(\w+)\s*[=!]", matchers))
        assert wanted <= (known[name] or set()) | LABELS_OF_SCRAPES, name
    for grouped in re.findall(r"by \(([^)]*)\)", expression):
        possible = set().union(*(labels or set() for labels in known.values()))
        assert set(re.split(r",\s*", grouped)) <= possible | LABELS_OF_SCRAPES


def test_routes_and_methods_that_are_asked_for_are_there() -> None:
    routes = {f"{V1}/{pattern.pattern}" for pattern in api_urlpatterns}
    for expression in asked():
        assert set(re.findall(r'route="([^"]*)"', expression)) <= routes
        assert set(re.findall(r'method="([^"]*)"', expression)) <= METHODS


def test_each_alert_says_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_prometheus_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")

    checked = subprocess.run([promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr
