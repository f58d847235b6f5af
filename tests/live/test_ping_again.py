"""A ping that is sent again with its Idempotency-Key."""

import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from hub.idempotency.models import IdempotencyRecord
from hub.messages import pings
from hub.messages.models import Ping
from hub.sessions.models import Session
from tests.live.client import WireAgent
from tests.live.test_ping import answering
from tests.waiting import wait_until

NAME = {"Idempotency-Key": "ping-1"}


def ping(alice: WireAgent, bob: WireAgent) -> httpx.Response:
    return alice.post(f"/sessions/{bob.id}/ping", {"nonce": "n"}, **NAME)


def test_the_answer_is_repeated_without_another_ping(alice: WireAgent, bob: WireAgent) -> None:
    pong = answering(bob)

    first = ping(alice, bob)
    pong.join()
    again = ping(alice, bob)

    assert (first.status_code, "Idempotent-Replayed" in first.headers) == (200, False)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "RateLimit" in again.headers
    assert Ping.objects.count() == 1


def test_another_ping_with_the_same_key_is_refused(alice: WireAgent, bob: WireAgent) -> None:
    pong = answering(bob)
    ping(alice, bob)
    pong.join()

    answer = alice.post(f"/sessions/{alice.id}/ping", {"nonce": "n"}, **NAME)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert Ping.objects.count() == 1


def test_the_same_key_from_another_session_is_another_ping(alice: WireAgent, bob: WireAgent) -> None:
    answers = []
    for who in (alice, bob):
        pong = answering(bob)
        answers.append(who.post(f"/sessions/{bob.id}/ping", {"nonce": "n"}, **NAME))
        pong.join()

    assert [answer.status_code for answer in answers] == [200, 200]
    assert Ping.objects.count() == 2


def test_a_session_that_left_gets_no_kept_pong(alice: WireAgent, bob: WireAgent) -> None:
    pong = answering(bob)
    assert ping(alice, bob).status_code == 200
    pong.join()
    Session.objects.filter(pk=alice.id).update(status=Session.Status.DEREGISTERED)

    answer = ping(alice, bob)

    assert (answer.status_code, answer.json()["code"]) == (403, "session_not_owned")


def test_while_the_first_waits_the_second_is_told_so(alice: WireAgent, bob: WireAgent) -> None:
    with bob.stream() as stream, ThreadPoolExecutor(1) as pool:
        first = pool.submit(ping, alice, bob)
        sent = stream.next().data
        with httpx.Client(base_url=f"{alice.base}/api/v1", headers=alice.headers(NAME)) as other:
            second = other.post(f"/sessions/{bob.id}/ping", json={"nonce": "n"})

        assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_progress")
        assert second.headers["Retry-After"] == "1"
        bob.send(alice.id, "pong", payload={"nonce": sent["payload"]["nonce"]})
        assert first.result().status_code == 200
    assert Ping.objects.count() == 1


def test_a_ping_without_a_pong_can_be_sent_again(
    alice: WireAgent, bob: WireAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(pings, "PING_TIMEOUT_SECONDS", 0.1)
        assert ping(alice, bob).status_code == 408
    assert not IdempotencyRecord.objects.exists()

    pong = answering(bob)
    assert ping(alice, bob).status_code == 200
    pong.join()


def test_a_ping_whose_caller_left_can_be_sent_again(alice: WireAgent, bob: WireAgent) -> None:
    parts = urlsplit(alice.base)
    headers = alice.headers({**NAME, "Host": parts.netloc, "Content-Length": "0"})
    request = f"POST /api/v1/sessions/{bob.id}/ping HTTP/1.1\r\n"
    request += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    with bob.stream() as stream, socket.create_connection((parts.hostname, parts.port)) as caller:
        caller.sendall(request.encode())
        stream.next()
        assert IdempotencyRecord.objects.exists()
        caller.close()

        wait_until(lambda: not IdempotencyRecord.objects.exists(), seconds=3)
