"""Streams and pings that a token opens, over real HTTP."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.utils import timezone

from hub.sessions.presence import LiveProcess, OpenStream
from realms import keys, owners
from realms.models import ApiKey, Realm
from tests.cast import OPERATOR, Agent
from tests.live.client import WireAgent
from tests.tokens.signing import Signer, hub_token
from tests.waiting import wait_until

WithToken = Callable[[str], WireAgent]
SLACK_SECONDS = 2.0  # how late a busy machine may be


@pytest.fixture
def signer(server: str, key: str) -> Signer:
    """A session of Alice's key that signs its own tokens."""
    return Signer(key, "signer")


@pytest.fixture
def with_token(server: str, signer: Signer) -> Iterator[WithToken]:
    """Return the signer's session as it calls with a given token."""
    with ExitStack() as stack:
        yield lambda token: stack.enter_context(WireAgent(server, Agent(None, signer.session, token=token)))


@pytest.mark.parametrize("issuer", ["hub", "self"])
def test_a_stream_ends_when_its_token_does(
    alice: WireAgent, signer: Signer, with_token: WithToken, issuer: str
) -> None:
    waiting = alice.send(signer.id)
    exp = time.time() + 0.8
    token = signer.token(exp=exp) if issuer == "self" else hub_token(signer.agent, exp=exp)

    with with_token(token).stream() as stream:
        assert stream.messages(1) == [waiting]
        new = alice.send(signer.id)
        assert stream.messages(1) == [new]
        close = stream.next()
        ended_at = time.time()

        assert (close.event, close.data) == ("close", {"reason": "token_expired", "reconnect": True})
        assert stream.ended()
    assert exp - 0.1 <= ended_at <= exp + SLACK_SECONDS
    wait_until(lambda: not OpenStream.objects.exists())


def test_a_token_that_lives_by_the_leeway_alone_opens_no_lasting_stream(
    signer: Signer, with_token: WithToken
) -> None:
    now = int(time.time())
    agent = with_token(signer.token(iat=now - 100, exp=now - 5))
    assert agent.get("/messages").status_code == 200

    with agent.stream() as stream:
        assert stream.next().data["reason"] == "token_expired"
        assert stream.ended()


def test_the_next_token_goes_on_where_the_first_one_ended(
    alice: WireAgent, signer: Signer, with_token: WithToken
) -> None:
    with with_token(signer.token(exp=time.time() + 1.0)).stream() as stream:
        seen = alice.send(signer.id)
        assert stream.messages(1) == [seen]
        assert stream.next().event == "close"
    missed = alice.send(signer.id)

    with with_token(signer.token()).stream(Last_Event_ID=seen) as stream:
        assert stream.messages(1) == [missed]
        new = alice.send(signer.id)
        assert stream.messages(1) == [new]


def test_the_end_of_one_token_ends_no_stream_of_another_credential(
    alice: WireAgent, signer: Signer, with_token: WithToken
) -> None:
    by_key = WireAgent(alice.base, signer.agent)
    with (
        by_key,
        by_key.stream() as key_stream,
        with_token(signer.token()).stream() as long_stream,
        with_token(signer.token(exp=time.time() + 0.3)).stream() as short_stream,
    ):
        assert short_stream.next().data["reason"] == "token_expired"
        new = alice.send(signer.id)
        assert key_stream.messages(1) == long_stream.messages(1) == [new]


def set_key_status(status: ApiKey.Status) -> None:
    keys.set_status(key=ApiKey.objects.get(), status=status, by=OPERATOR)


def suspend() -> None:
    owners.set_realm_status(realm=Realm.objects.get(), status=Realm.Status.SUSPENDED, by=OPERATOR)


ENDS: dict[str, Callable[[], object]] = {
    "key_revoked": lambda: set_key_status(ApiKey.Status.REVOKED),
    "key_disabled": lambda: set_key_status(ApiKey.Status.DISABLED),
    "key_expired": lambda: ApiKey.objects.update(expires_at=timezone.now()),
    "realm_suspended": suspend,
}


@pytest.mark.parametrize("reason", ENDS)
def test_the_end_of_the_key_or_the_realm_ends_the_stream(
    alice: WireAgent, signer: Signer, with_token: WithToken, reason: str
) -> None:
    with with_token(signer.token()).stream() as stream:
        new = alice.send(signer.id)
        assert stream.messages(1) == [new]
        ENDS[reason]()

        close = stream.next(timeout=5)
        assert (close.event, close.data) == ("close", {"reason": reason, "reconnect": False})
        assert stream.ended()


def test_a_session_that_deregisters_by_token_ends_its_stream(
    alice: WireAgent, signer: Signer, with_token: WithToken
) -> None:
    agent = with_token(signer.token())
    with agent.stream() as stream:
        new = alice.send(signer.id)
        assert stream.messages(1) == [new]
        assert agent.delete(f"/sessions/{signer.id}").status_code == 200

        assert stream.next(timeout=5).data["reason"] == "session_deregistered"


def test_a_new_secret_of_the_key_ends_no_stream_of_a_token(
    alice: WireAgent, bob: WireAgent, signer: Signer, with_token: WithToken
) -> None:
    with with_token(signer.token()).stream() as stream, bob.stream() as by_key:
        new_secret = keys.rotate_key(key=ApiKey.objects.get(), grace=keys.GRACES["none"], by=OPERATOR)
        assert by_key.next(timeout=5).event == "close"
        # The same survey went on to say that the process lives, after it had looked at both streams.
        seen_at = timezone.now()
        wait_until(lambda: LiveProcess.objects.filter(beat_at__gt=seen_at).exists())

        with WireAgent(alice.base, Agent(new_secret, alice.agent.session)) as sender:
            new = sender.send(signer.id)
            assert stream.messages(1) == [new]


def test_a_stream_needs_a_token_that_reads(signer: Signer, with_token: WithToken) -> None:
    with with_token(signer.token(scope="read")).stream() as stream:
        assert stream.response.status_code == 200

    answer = with_token(signer.token(scope="write")).get("/messages/stream")

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_a_token_streams_the_inbox_of_no_sibling(
    alice: WireAgent, signer: Signer, with_token: WithToken
) -> None:
    agent = with_token(signer.token())
    with agent.stream(X_AISP_Session=signer.id) as stream:
        assert stream.response.status_code == 200

    answer = agent.get("/messages/stream", **{"X-AISP-Session": alice.id})

    assert (answer.status_code, answer.json()["code"]) == (403, "session_not_owned")


@pytest.mark.parametrize("path", ["/messages/stream", "/sessions"])
def test_a_refused_token_is_answered_alike_everywhere(
    signer: Signer, with_token: WithToken, path: str
) -> None:
    assert with_token(signer.token()).get("/sessions").status_code == 200
    now = int(time.time())
    answers = [with_token(token).get(path) for token in ("x", signer.token(iat=now - 300, exp=now - 100))]

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
        assert "Bearer" in answer.headers["www-authenticate"]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1]


def test_a_token_and_a_key_are_ambiguous_on_a_stream(signer: Signer, with_token: WithToken) -> None:
    assert signer.agent.key

    answer = with_token(signer.token()).get("/messages/stream", **{"X-AISP-Key": signer.agent.key})

    assert (answer.status_code, answer.json()["code"]) == (400, "ambiguous_credentials")


def test_a_ping_by_token_is_from_its_session(
    alice: WireAgent, bob: WireAgent, signer: Signer, with_token: WithToken
) -> None:
    agent = with_token(signer.token())
    answer = agent.post(f"/sessions/{bob.id}/ping", **{"X-AISP-Session": alice.id})
    assert (answer.status_code, answer.json()["code"]) == (403, "session_not_owned")

    with bob.stream() as stream, ThreadPoolExecutor(1) as threads:
        pinging = threads.submit(agent.post, f"/sessions/{bob.id}/ping")
        ping = stream.next().data
        assert ping["from"] == signer.id
        bob.send(signer.id, "pong", payload=ping["payload"])
        assert pinging.result().status_code == 200
