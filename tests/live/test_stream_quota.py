"""How many streams a session and a realm may have open."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from hub.sessions.presence import OpenStream
from realms.models import Realm
from tests.cast import new_agent, new_key, new_realm
from tests.live.client import StreamReader, WireAgent
from tests.rows import set_realm
from tests.waiting import wait_until


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Closes what was opened."""
    with ExitStack() as stack:
        yield stack


def status_of(stream: StreamReader, opened: ExitStack) -> int:
    opened.enter_context(stream)
    return stream.response.status_code


def test_one_stream_too_many_of_a_realm_is_refused(
    realm: Realm, alice: WireAgent, bob: WireAgent, opened: ExitStack
) -> None:
    set_realm(realm, max_streams=2)
    assert [status_of(agent.stream(), opened) for agent in (alice, bob)] == [200, 200]

    refused = alice.get("/messages/stream")

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
    assert refused.headers["Retry-After"] == "5"


def test_a_stream_that_ended_makes_room(
    realm: Realm, alice: WireAgent, bob: WireAgent, opened: ExitStack
) -> None:
    set_realm(realm, max_streams=1)
    with alice.stream():
        assert bob.get("/messages/stream").status_code == 429
    wait_until(lambda: not OpenStream.objects.exists())

    assert status_of(bob.stream(), opened) == 200


def test_another_realm_has_its_room_for_itself(
    realm: Realm, server: str, alice: WireAgent, opened: ExitStack
) -> None:
    set_realm(realm, max_streams=1)
    assert status_of(alice.stream(), opened) == 200
    mallory = opened.enter_context(WireAgent(server, new_agent(new_key(new_realm("mallory"))[1], "mallory")))

    assert status_of(mallory.stream(), opened) == 200
