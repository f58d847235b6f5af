"""Streams and pings are counted, and tell when they open and end."""

import concurrent.futures

import pytest

from tests.live.client import WireAgent
from tests.live.conftest import alice, bob, key, realm  # noqa: F401  fixtures
from tests.observability.conftest import Grown, Lines, value_of
from tests.waiting import wait_until

OPEN = "aisp_hub_streams_open"


@pytest.mark.django_db(transaction=True)
def test_a_stream_is_counted_while_it_is_open(alice: WireAgent, bob: WireAgent, grown: Grown) -> None:  # noqa: F811
    before = value_of(OPEN, {})
    with bob.stream() as stream:
        sent = [alice.send(bob.id) for _ in range(2)]
        assert stream.messages(2) == sent
        assert value_of(OPEN, {}) == before + 1
    wait_until(lambda: value_of(OPEN, {}) == before)

    assert grown("aisp_hub_messages_delivered_total", via="stream") == 2
    assert grown("aisp_hub_streams_closed_total", reason="client_left") == 1
    assert grown("aisp_hub_tailer_lag_seconds_count") >= 1
    assert 1 <= grown("aisp_hub_bell_to_write_seconds_count") <= 2
    route = {"method": "GET", "route": "api/v1/messages/stream"}
    assert grown("aisp_hub_http_requests_total", **route, status="200") == 1
    assert grown("aisp_hub_http_request_duration_seconds_count", **route) == 0


@pytest.mark.django_db(transaction=True)
def test_a_stream_has_a_line_when_it_opens_and_one_when_it_ends(
    alice: WireAgent,  # noqa: F811
    bob: WireAgent,  # noqa: F811
    lines: Lines,
) -> None:
    with bob.stream(X_Request_ID="r-2") as stream:
        alice.send(bob.id)
        stream.messages(1)
        [opened] = lines("stream opened")
    wait_until(lambda: any(line["request_id"] == "r-2" for line in lines("request")))

    [ended] = [line for line in lines("request") if line["request_id"] == "r-2"]
    assert (opened["request_id"], opened["session_id"]) == ("r-2", bob.id)
    assert (ended["reason"], ended["messages"], ended["session_id"]) == ("client_left", 1, bob.id)


@pytest.mark.django_db(transaction=True)
def test_a_ping_is_counted_by_what_became_of_it(
    alice: WireAgent,  # noqa: F811
    bob: WireAgent,  # noqa: F811
    grown: Grown,
) -> None:
    with bob.stream() as stream, concurrent.futures.ThreadPoolExecutor() as beside:
        asked = beside.submit(alice.post, f"/sessions/{bob.id}/ping", {"nonce": "n"})
        stream.messages(1)
        bob.send(alice.id, "pong", payload={"nonce": "n"})
        assert asked.result().status_code == 200
    assert alice.post("/sessions/sess_none/ping").status_code == 404

    assert grown("aisp_hub_pings_total", outcome="answered") == 1
    assert grown("aisp_hub_ping_duration_seconds_count") == 1
    assert grown("aisp_hub_refusals_total", code="session_not_found") == 1
