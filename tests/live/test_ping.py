"""POST /sessions/:id/ping, over real HTTP."""

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hub.live import pong_watch
from hub.messages import pings
from hub.messages.models import Delivery, Inbox, Ping
from realms.ids import SESSION, new_id
from tests.cast import Agent, new_agent, new_key, new_realm
from tests.live.client import WireAgent
from tests.waiting import wait_until


def answering(
    agent: WireAgent, change: Callable[[dict[str, Any]], dict[str, Any]] = lambda pong: pong
) -> Any:
    """Have an agent answer the next ping that its stream brings, in a thread."""
    stream = agent.stream()

    def answer() -> None:
        with stream:
            ping = stream.next().data
            pong = {
                "aisp": "0.1",
                "from": agent.id,
                "to": ping["from"],
                "category": "pong",
                "payload": {"nonce": ping["payload"]["nonce"]},
            }
            assert agent.post("/messages", change(pong)).status_code == 200
            # Else the next stream may bring it once more.
            wait_until(lambda: not agent.get("/messages?peek=true").json()["messages"])

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def test_a_session_that_answers_is_alive(alice: WireAgent, bob: WireAgent) -> None:
    bobs_answer = answering(bob)
    began = time.monotonic()

    answer = alice.post(f"/sessions/{bob.id}/ping", {"nonce": "abc123"})

    bobs_answer.join()
    took = time.monotonic() - began
    assert answer.status_code == 200
    assert set(answer.json()) == {"status", "latency_ms", "nonce"}
    assert (answer.json()["status"], answer.json()["nonce"]) == ("alive", "abc123")
    assert 0 <= answer.json()["latency_ms"] <= took * 1000 + 1


def test_a_pong_rings(alice: WireAgent, bob: WireAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pong_watch, "LOOK_AGAIN_SECONDS", 60)
    bobs_answer = answering(bob)
    began = time.monotonic()

    answer = alice.post(f"/sessions/{bob.id}/ping")

    bobs_answer.join()
    assert answer.status_code == 200
    assert time.monotonic() - began < pings.PING_TIMEOUT_SECONDS


def test_the_pong_is_not_queued(alice: WireAgent, bob: WireAgent) -> None:
    bobs_answer = answering(bob)
    assert alice.post(f"/sessions/{bob.id}/ping").status_code == 200
    bobs_answer.join()

    assert alice.get("/messages").json() == {"messages": [], "unread_count": 0}


def test_the_hub_makes_a_nonce_if_there_is_none(alice: WireAgent, bob: WireAgent) -> None:
    bodies: list[dict[str, str] | None] = [None, {}]
    for body in bodies:
        bobs_answer = answering(bob)
        answer = alice.post(f"/sessions/{bob.id}/ping", body)
        bobs_answer.join()
        assert answer.status_code == 200
        assert len(answer.json()["nonce"]) >= 16


def test_without_an_acting_session_the_ping_comes_from_the_hub(
    server: str, key: str, alice: WireAgent, bob: WireAgent
) -> None:
    bobs_answer = answering(bob)

    # The key owns two sessions and names none.
    answer = httpx.post(
        f"{server}/api/v1/sessions/{bob.id}/ping", json={"nonce": "n"}, headers={"X-AISP-Key": key}
    )

    bobs_answer.join()
    assert answer.status_code == 200
    assert Ping.objects.get().asker_id is None


def test_any_caller_of_the_realm_may_ping(server: str, alice: WireAgent, bob: WireAgent) -> None:
    assert alice.agent.session is not None
    other_key = new_key(alice.agent.session.realm)[1]
    bobs_answer = answering(bob)

    answer = httpx.post(f"{server}/api/v1/sessions/{bob.id}/ping", headers={"X-AISP-Key": other_key})

    bobs_answer.join()
    assert answer.status_code == 200


def test_a_session_that_does_not_answer_is_a_timeout_after_five_seconds(
    alice: WireAgent, bob: WireAgent
) -> None:
    began = time.monotonic()

    answer = alice.post(f"/sessions/{bob.id}/ping", {"nonce": "abc123"})

    assert (answer.status_code, answer.json()["code"]) == (408, "ping_timeout")
    assert 5 <= time.monotonic() - began < 7
    # Nobody will answer it any more, so it does not stay in the inbox.
    assert not Delivery.objects.exists()
    assert Inbox.objects.get(pk=bob.id).unread == 0


def test_a_pong_with_another_nonce_is_no_answer(alice: WireAgent, bob: WireAgent) -> None:
    bobs_answer = answering(bob, lambda pong: {**pong, "payload": {"nonce": "other"}})

    answer = alice.post(f"/sessions/{bob.id}/ping", {"nonce": "abc123"})

    bobs_answer.join()
    assert answer.status_code == 408
    [routed] = alice.get("/messages").json()["messages"]
    assert (routed["category"], routed["payload"]) == ("pong", {"nonce": "other"})


def test_many_pings_wait_at_once(alice: WireAgent, bob: WireAgent) -> None:
    answers: list[httpx.Response] = []

    def ping(nonce: str) -> None:
        headers = alice.headers()
        answers.append(
            httpx.post(
                f"{alice.base}/api/v1/sessions/{bob.id}/ping",
                json={"nonce": nonce},
                headers=headers,
                timeout=30,
            )
        )

    pingers = [threading.Thread(target=ping, args=(f"n{i}",)) for i in range(20)]
    with bob.stream() as stream:
        for pinger in pingers:
            pinger.start()
        for _ in pingers:
            nonce = stream.next().data["payload"]["nonce"]
            bob.send(alice.id, "pong", payload={"nonce": nonce})
        for pinger in pingers:
            pinger.join()

    assert [answer.status_code for answer in answers] == [200] * 20
    assert {answer.json()["nonce"] for answer in answers} == {f"n{i}" for i in range(20)}


@pytest.mark.parametrize("target", ["sess_1", "x", "sess_01HX9J2N3PQRSTVWXYZ0123456"])
def test_an_unknown_session_is_not_found(alice: WireAgent, target: str) -> None:
    answer = alice.post(f"/sessions/{target}/ping")

    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")


def test_another_realms_session_answers_like_an_unknown_one(alice: WireAgent) -> None:
    mallory = new_agent(new_key(new_realm("mallory"))[1], "mallory")

    foreign, unknown = (alice.post(f"/sessions/{to}/ping").json() for to in (mallory.id, new_id(SESSION)))

    del foreign["request_id"], unknown["request_id"]
    assert foreign == unknown
    assert not Ping.objects.exists()


def test_a_deregistered_session_is_not_found(alice: WireAgent, bob: WireAgent) -> None:
    bob.delete(f"/sessions/{bob.id}")

    assert alice.post(f"/sessions/{bob.id}/ping").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"nonce": ""}, "/nonce"),
        ({"nonce": "n" * 129}, "/nonce"),
        ({"nonce": 1}, "/nonce"),
        ({"nnce": "a"}, "/nnce"),
        ([], ""),
    ],
)
def test_a_bad_body_is_refused(alice: WireAgent, bob: WireAgent, body: Any, pointer: str) -> None:
    answer = alice.post(f"/sessions/{bob.id}/ping", body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
    assert not Ping.objects.exists()


def test_a_body_that_is_not_json_is_refused(alice: WireAgent, bob: WireAgent) -> None:
    def send(content: bytes, content_type: str) -> httpx.Response:
        headers = {**alice.headers(), "Content-Type": content_type}
        return alice.http.post(f"/sessions/{bob.id}/ping", content=content, headers=headers)

    assert send(b"{", "application/json").json()["code"] == "invalid_json"
    assert send(b"nonce=1", "application/x-www-form-urlencoded").status_code == 415
    assert send(b"[" * 2_000_000, "application/json").status_code == 413


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
def test_other_methods_are_refused(alice: WireAgent, bob: WireAgent, method: str) -> None:
    answer = alice.http.request(method, f"/sessions/{bob.id}/ping", headers=alice.headers())

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_credential_is_needed(server: str, bob: WireAgent) -> None:
    answer = httpx.post(f"{server}/api/v1/sessions/{bob.id}/ping")

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


def test_a_named_session_has_to_be_the_callers_own(alice: WireAgent, bob: WireAgent) -> None:
    mallory: Agent = new_agent(new_key(new_realm("mallory"))[1], "mallory")

    answer = alice.post(f"/sessions/{bob.id}/ping", None, **{"X-AISP-Session": mallory.id})

    assert (answer.status_code, answer.json()["code"]) == (403, "session_not_owned")
