"""Each request is counted and has a line, with who sent it and what became of it."""

import re

import pytest
from prometheus_client import REGISTRY, generate_latest
from pytest_django import Settings

from tests.cast import Agent
from tests.client import Client
from tests.observability.conftest import Grown, Lines

REQUESTS = "aisp_hub_http_requests_total"
SECONDS = "aisp_hub_http_request_duration_seconds_count"
SECRET = "what nobody may read"


def test_a_send_is_counted_where_it_belongs(alice: Agent, bob: Agent, grown: Grown) -> None:
    alice.send(bob)
    alice.send(bob, to="sess_none")

    route = {"method": "POST", "route": "api/v1/messages"}
    assert grown(REQUESTS, **route, status="200") == 1
    assert grown(REQUESTS, **route, status="400") == 1
    assert grown(SECONDS, **route) == 2
    assert grown("aisp_hub_messages_sent_total", category="message") == 1
    assert grown("aisp_hub_refusals_total", code="invalid_request") == 1


def test_what_a_poll_gives_out_is_counted_and_what_is_peeked_at_is_not(
    alice: Agent, bob: Agent, grown: Grown
) -> None:
    for _ in range(3):
        alice.send(bob)

    bob.inbox("?peek=true")
    bob.inbox("?limit=2")

    assert grown("aisp_hub_messages_delivered_total", via="poll") == 2


@pytest.mark.django_db(transaction=True)
def test_what_happens_to_a_grant_is_counted_when_it_is_committed(
    alice: Agent, bob: Agent, grown: Grown
) -> None:
    asked = alice.post("grants", {"to": bob.id, "capability": "memory.read", "namespace": "a.*"}).json[
        "grant_id"
    ]
    bob.post(f"grants/{asked}/approve")
    assert bob.post(f"grants/{asked}/approve").status == 409

    events = [grown("aisp_hub_grant_events_total", event=event) for event in ("requested", "approved")]
    assert events == [1, 1]


def test_strangers_cannot_make_series(db: None, grown: Grown) -> None:
    browser = Client()
    before = len(list(REGISTRY.collect())), generate_latest().count(b"\n")
    browser.generic("GET", "/api/v1/messages")
    browser.generic("BREW", "/api/v1/coffee/0", headers={"X-AISP-Key": "x"})
    browser.generic("BREW", "/coffee/0")
    known = generate_latest().count(b"\n")

    for i in range(1, 50):
        browser.generic(f"BREW{i}", f"/api/v1/coffee/{i}", headers={"X-AISP-Key": f"aisp_{i}"})
        browser.generic(f"BREW{i}", f"/coffee/{i}?a={i}")
        browser.get("/api/v1/messages", headers={"X-AISP-Session": f"sess_{i}"})

    assert generate_latest().count(b"\n") == known > before[1] - 1
    assert grown(REQUESTS, method="other", route="other", status="404") == 100


def test_no_series_names_anybody(alice: Agent, bob: Agent) -> None:
    alice.send(bob)
    alice.get(f"sessions/{bob.id}")
    alice.post("memory", {"entries": [{"key": "project.name", "value": SECRET}]})
    bob.grant(alice, "memory.read", "project.*")

    said = generate_latest().decode()

    assert not re.search(
        r"(sess|msg|grant|key|realm)_[0-9A-Z]{26}|project\.name|example\.com|127\.0\.0\.1", said
    )


def test_the_line_of_a_send_says_who_sent_it(alice: Agent, bob: Agent, lines: Lines) -> None:
    answer = alice.call(
        "POST",
        "messages",
        {
            "aisp": "0.1",
            "from": alice.id,
            "to": bob.id,
            "category": "message",
            "payload": {"text": SECRET},
        },
        headers={"X-Request-ID": "r-1"},
    )

    assert answer.status == 200
    [line] = lines("request")
    assert line["duration_ms"] >= 0
    assert alice.session is not None
    said = {name: line[name] for name in line.keys() - {"duration_ms", "timestamp", "logger", "level"}}
    assert said == {
        "event": "request",
        "request_id": "r-1",
        "method": "POST",
        "route": "api/v1/messages",
        "status": 200,
        "address": "127.0.0.1",
        "realm": alice.session.realm_id,
        "key_id": alice.session.key_id,
        "session_id": alice.id,
    }


def test_the_line_of_a_refusal_has_its_code_and_no_query(alice: Agent, lines: Lines) -> None:
    alice.get("messages?limit=0&category=private")

    [line] = lines("request")
    assert (line["status"], line["code"], line["route"]) == (400, "invalid_request", "api/v1/messages")
    assert "private" not in str(line)


def test_a_session_that_is_none_by_its_form_is_in_no_line(alice: Agent, lines: Lines) -> None:
    alice.get("messages", headers={"X-AISP-Session": "who\nknows"})

    [line] = lines("request")
    assert "session_id" not in line


def test_pages_have_lines_too_and_whoever_looks_is_not_named(db: None, lines: Lines) -> None:
    Client().post("/accounts/login/?next=/private", {"login": "ann@example.com", "password": SECRET})

    assert [line["route"] for line in lines("request")] == ["accounts/login/"]
    assert not re.search(f"ann@|private|{SECRET}", str(lines("request")))


@pytest.mark.parametrize(("which", "number"), [("all", 2), ("refused", 1), ("none", 0)])
def test_an_operator_says_which_requests_have_lines(
    alice: Agent, lines: Lines, settings: Settings, which: str, number: int
) -> None:
    settings.HUB_LOG_REQUESTS = which

    alice.get("sessions")
    alice.get("sessions/none")

    assert len(lines("request")) == number


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_what_machines_ask_all_the_time_has_neither(db: None, lines: Lines, grown: Grown, path: str) -> None:
    assert Client().get(path).status_code == 200

    assert lines("request") == []
    assert grown(REQUESTS, method="GET", route=path[1:], status="200") == 0
