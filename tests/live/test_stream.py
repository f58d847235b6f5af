"""GET /messages/stream, over real HTTP."""

import socket
import time

import httpx
import pytest
from django.utils import timezone

from hub.bell import bell
from hub.live import switchboard
from hub.messages.inbox import INBOX_START
from hub.messages.models import Delivery
from hub.sessions.presence import OpenStream
from realms import keys, owners
from realms.ids import MESSAGE, new_id
from realms.models import ApiKey, Realm
from tests.cast import OPERATOR
from tests.live.client import WireAgent
from tests.waiting import wait_until


def is_read(message_id: str) -> bool:
    return Delivery.objects.filter(message_id=message_id, read_at__isnull=False).exists()


def test_unread_messages_come_first_and_new_ones_as_they_arrive(alice: WireAgent, bob: WireAgent) -> None:
    waiting = [alice.send(bob.id), alice.send(bob.id)]

    with bob.stream() as stream:
        assert stream.messages(2) == waiting
        new = alice.send(bob.id)
        assert stream.messages(1) == [new]


def test_what_is_sent_as_it_opens_comes_without_a_ring(
    alice: WireAgent, bob: WireAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends at that moment does not see the stream yet; nobody else looks for an hour here."""
    monkeypatch.setattr(switchboard.tailer(), "_next_look", time.monotonic() + 3600)
    with bob.stream() as stream:
        OpenStream.objects.all().delete()
        sent = alice.send(bob.id)

        assert stream.messages(1) == [sent]


def test_an_event_carries_what_a_poll_returns(alice: WireAgent, bob: WireAgent) -> None:
    payload = {"z": 1, "a": [1e308, -0.0, "\N{SNOWMAN}\n"]}
    message_id = alice.send(bob.id, "event", payload=payload)
    polled = bob.get("/messages?peek=true").json()["messages"][0]

    with bob.stream() as stream:
        event = stream.next()

    assert (event.event, event.id, event.data) == ("message", message_id, polled)
    assert list(event.data["payload"]) == ["z", "a"]


def test_the_headers_keep_proxies_from_buffering(bob: WireAgent) -> None:
    with bob.stream(Accept="text/event-stream", X_Request_ID="r-1") as stream:
        headers = stream.response.headers

    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-request-id"] == "r-1"


def test_what_was_sent_is_marked_as_read(alice: WireAgent, bob: WireAgent) -> None:
    message_id = alice.send(bob.id)

    with bob.stream() as stream:
        stream.messages(1)
        wait_until(lambda: is_read(message_id))

    assert bob.get("/messages").json() == {"messages": [], "unread_count": 0}


def test_what_was_read_before_does_not_come_again(alice: WireAgent, bob: WireAgent) -> None:
    alice.send(bob.id)
    assert len(bob.get("/messages").json()["messages"]) == 1
    unread = alice.send(bob.id)

    with bob.stream() as stream:
        assert stream.messages(1) == [unread]
        assert stream.is_quiet()


@pytest.mark.parametrize("header", ["Last-Event-ID", "X-Last-Event-ID"])
def test_it_resumes_after_an_id_whether_read_or_not(alice: WireAgent, bob: WireAgent, header: str) -> None:
    first, second, third = (alice.send(bob.id) for _ in range(3))
    bob.get("/messages")

    with bob.stream(**{header: first.lower().replace("msg_", "MSG_")}) as stream:
        assert stream.messages(2) == [second, third]
        new = alice.send(bob.id)
        assert stream.messages(1) == [new]


def test_a_lost_id_resets_and_sends_all_that_is_held(alice: WireAgent, bob: WireAgent) -> None:
    held = [alice.send(bob.id), alice.send(bob.id)]
    bob.get("/messages")

    with bob.stream(Last_Event_ID=new_id(MESSAGE)) as stream:
        reset = stream.next()
        assert (reset.event, reset.data["oldest"]) == ("reset", held[0])
        assert stream.messages(2) == held


def test_the_id_before_all_others_starts_from_the_beginning(alice: WireAgent, bob: WireAgent) -> None:
    held = [alice.send(bob.id), alice.send(bob.id)]
    bob.get("/messages")

    with bob.stream(Last_Event_ID=INBOX_START) as stream:
        assert stream.messages(2) == held
        new = alice.send(bob.id)
        assert stream.messages(1) == [new]


def test_a_message_of_another_inbox_is_a_lost_id(alice: WireAgent, bob: WireAgent) -> None:
    foreign = bob.send(alice.id)

    with bob.stream(Last_Event_ID=foreign) as stream:
        reset = stream.next()

    assert (reset.event, reset.data["oldest"]) == ("reset", None)


def test_a_malformed_id_is_refused(bob: WireAgent) -> None:
    answer = bob.get("/messages/stream", **{"Last-Event-ID": "msg_1"})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_an_unknown_query_parameter_is_refused(bob: WireAgent) -> None:
    assert bob.get("/messages/stream?since=now").status_code == 400


@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/event-stream;q=0"])
def test_a_client_that_accepts_no_stream_has_to_upgrade(bob: WireAgent, accept: str) -> None:
    answer = bob.get("/messages/stream", Accept=accept)

    assert (answer.status_code, answer.json()["code"]) == (426, "sse_required")
    assert answer.headers["upgrade"] == "text/event-stream"
    assert answer.headers["connection"].lower() == "upgrade"  # RFC 9110 §7.8
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("accept", ["*/*", "text/*", "application/json, text/event-stream"])
def test_any_accept_that_admits_a_stream_will_do(bob: WireAgent, accept: str) -> None:
    with bob.stream(Accept=accept) as stream:
        assert stream.response.status_code == 200


def test_a_credential_is_needed(bob: WireAgent) -> None:
    answer = bob.http.get("/messages/stream")

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert "www-authenticate" in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_refused(bob: WireAgent, method: str) -> None:
    answer = bob.http.request(method, "/messages/stream", headers=bob.headers())

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_session_is_connected_while_its_stream_is_open(alice: WireAgent, bob: WireAgent) -> None:
    def connected() -> bool:
        return bool(alice.get(f"/sessions/{bob.id}").json()["connected"])

    assert not connected()
    with bob.stream() as stream:
        assert connected()
        sent = alice.post(
            "/messages",
            {"aisp": "0.1", "from": alice.id, "to": bob.id, "category": "message", "payload": {}},
        ).json()
        assert (sent["status"], sent["delivered"]) == ("delivered", True)
        stream.messages(1)
    wait_until(lambda: not connected())


def test_every_stream_of_a_session_gets_new_messages(alice: WireAgent, bob: WireAgent) -> None:
    with bob.stream() as one, bob.stream() as other:
        message_id = alice.send(bob.id)
        assert one.messages(1) == other.messages(1) == [message_id]


def test_a_session_has_at_most_eight_streams(bob: WireAgent) -> None:
    streams = [bob.stream() for _ in range(8)]
    try:
        answer = bob.get("/messages/stream")
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_streams")
        assert int(answer.headers["retry-after"]) > 0
    finally:
        for stream in streams:
            stream.close()
    wait_until(lambda: not OpenStream.objects.exists())
    with bob.stream() as stream:
        assert stream.response.status_code == 200


def test_revoking_the_key_ends_the_stream(bob: WireAgent) -> None:
    with bob.stream() as stream:
        stream.is_quiet(0.1)
        keys.set_status(key=ApiKey.objects.get(), status=ApiKey.Status.REVOKED, by=OPERATOR)

        close = stream.next(timeout=5)
        assert (close.event, close.data) == ("close", {"reason": "key_revoked", "reconnect": False})
        assert stream.ended()


def test_a_key_that_expires_ends_the_stream(bob: WireAgent) -> None:
    with bob.stream() as stream:
        stream.is_quiet(0.1)
        ApiKey.objects.update(expires_at=timezone.now())

        assert stream.next(timeout=5).data["reason"] == "key_expired"


def test_disabling_the_key_ends_the_stream(bob: WireAgent) -> None:
    with bob.stream() as stream:
        stream.is_quiet(0.1)
        keys.set_status(key=ApiKey.objects.get(), status=ApiKey.Status.DISABLED, by=OPERATOR)

        assert stream.next(timeout=5).data["reason"] == "key_disabled"


def test_suspending_the_realm_ends_the_stream(realm: Realm, bob: WireAgent) -> None:
    with bob.stream() as stream:
        stream.is_quiet(0.1)
        owners.set_realm_status(realm=realm, status=Realm.Status.SUSPENDED, by=OPERATOR)

        assert stream.next(timeout=5).data["reason"] == "realm_suspended"


def test_deregistering_the_session_ends_the_stream(bob: WireAgent) -> None:
    with bob.stream() as stream:
        stream.is_quiet(0.1)
        assert bob.delete(f"/sessions/{bob.id}").status_code == 200

        close = stream.next(timeout=5)
        assert close.data == {"reason": "session_deregistered", "reconnect": False}
        assert stream.ended()


def test_a_message_arrives_although_its_ring_is_lost(
    alice: WireAgent, bob: WireAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bob.stream() as stream:
        stream.is_quiet(0.1)
        monkeypatch.setattr(bell, "tell", lambda news, *, elsewhere: None)
        message_id = alice.send(bob.id)

        assert stream.messages(1) == [message_id]


def test_a_burst_that_overflows_the_queue_arrives_whole_and_in_order(
    alice: WireAgent, bob: WireAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bob.stream() as stream:
        stream.is_quiet(0.1)
        with monkeypatch.context() as held_back:  # so that all of it is read, and queued, in one go
            held_back.setattr(bell, "tell", lambda news, *, elsewhere: None)
            sent = [alice.send(bob.id, payload={"text": "x" * 100_000}) for _ in range(40)]
        bell.ring([bob.id])

        assert stream.messages(40) == sent


def test_a_stream_that_polls_compete_with_loses_nothing(
    alice: WireAgent, bob: WireAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bob.stream() as stream:
        stream.is_quiet(0.1)
        sent = []
        for _ in range(10):
            sent.append(alice.send(bob.id))
            bob.get("/messages")
        with monkeypatch.context() as held_back:  # so that the polls come first
            held_back.setattr(bell, "tell", lambda news, *, elsewhere: None)
            for _ in range(10):
                sent.append(alice.send(bob.id))
                bob.get("/messages")
        bell.ring([bob.id])

        assert stream.messages(20) == sent
        assert stream.is_quiet()


def test_a_client_that_leaves_while_the_stream_opens_leaves_nothing_behind(
    server: str, alice: WireAgent, bob: WireAgent
) -> None:
    parts = httpx.URL(server)
    request = (
        f"GET /api/v1/messages/stream HTTP/1.1\r\nHost: x\r\nX-AISP-Key: {bob.agent.key}\r\n"
        f"X-AISP-Session: {bob.id}\r\n\r\n"
    )
    for _ in range(20):
        with socket.create_connection((parts.host, int(parts.port or 0))) as connection:
            connection.sendall(request.encode())

    with alice.stream():  # opened after all of them, by the same threads
        wait_until(lambda: OpenStream.objects.count() == 1)
        assert alice.get(f"/sessions/{bob.id}").json()["connected"] is False
