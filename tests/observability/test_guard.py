"""Who is answered at /metrics."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from tests.client import Client

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-a-test"


def test_this_machine_is_answered_in_prometheus_text_format() -> None:
    answer = Client().get("/metrics")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    families = {family.name for family in text_string_to_metric_families(answer.content.decode())}
    assert {"aisp_hub_http_requests", "aisp_hub_build_info", "process_open_fds"} <= families


@pytest.mark.parametrize(
    "said",
    [
        {"REMOTE_ADDR": "198.51.100.7"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=198.51.100.7"},
    ],
)
def test_others_are_not(said: dict[str, str]) -> None:
    answer = Client().get("/metrics", **said)  # type: ignore[arg-type]

    assert answer.status_code == 404
    assert b"aisp_hub_" not in answer.content


def test_with_a_token_whoever_has_it_is_answered_from_anywhere(settings: Settings) -> None:
    settings.HUB_METRICS_TOKEN = TOKEN

    answer = Client(REMOTE_ADDR="198.51.100.7").get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "presented", [None, "Bearer ", f"Bearer {TOKEN}x", TOKEN, f"Basic {TOKEN}", "Bearer é"]
)
def test_and_nobody_else_not_even_this_machine(settings: Settings, presented: str | None) -> None:
    settings.HUB_METRICS_TOKEN = TOKEN

    answer = Client().get("/metrics", headers={"Authorization": presented} if presented else {})

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert b"aisp_hub_" not in answer.content
