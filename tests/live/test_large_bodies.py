"""Large bodies wait for each other, and nothing else waits for them."""

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.db import transaction

from hub.api.large_bodies import TURNS
from hub.memory.models import MemoryEntry, MemoryNamespace
from hub.messages.models import Delivery
from realms.models import Realm
from tests.bench.client import Connection, envelope
from tests.cast import new_agent, new_key
from tests.live.client import WireAgent
from tests.waiting import wait_until

KIB = 1024
LARGE = "x" * (40 * KIB)


@pytest.fixture
def carol(server: str, realm: Realm) -> Iterator[WireAgent]:
    """The agent `carol`, of a second key of the realm."""
    with WireAgent(server, new_agent(new_key(realm)[1], "carol")) as agent:
        yield agent


@pytest.fixture
def dora(server: str, realm: Realm) -> Iterator[WireAgent]:
    """The agent `dora`, of a third key of the realm."""
    with WireAgent(server, new_agent(new_key(realm)[1], "dora")) as agent:
        yield agent


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a turn."""
    monkeypatch.setattr(TURNS, "seconds", 0.1)


def write_large(agent: WireAgent, **headers: str) -> httpx.Response:
    """Write two values, in a body of 80 KiB."""
    entries = [{"key": f"{agent.id}.{name}", "value": LARGE} for name in "ab"]
    return agent.post("/memory", {"entries": entries}, **headers)


@contextlib.contextmanager
def at_work(*agents: WireAgent) -> Iterator[list[Future[httpx.Response]]]:
    """Have a large write of each agent be under way until the end of the block."""
    for agent in agents:
        assert write_large(agent).status_code == 200
    busy = len(TURNS.working)
    with ThreadPoolExecutor() as threads:
        with transaction.atomic():
            list(MemoryNamespace.objects.select_for_update())
            writes = [threads.submit(write_large, agent) for agent in agents]
            wait_until(lambda: len(TURNS.working) == busy + len(agents))
            yield writes
        assert [write.result().status_code for write in writes] == [200] * len(agents)


def test_a_second_one_of_a_key_waits_and_is_told_so(
    alice: WireAgent, bob: WireAgent, carol: WireAgent, impatient: None
) -> None:
    with at_work(alice):
        refused = write_large(bob)
        assert alice.get("/memory").status_code == 200

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_large_bodies")
    assert int(refused.headers["retry-after"]) > 0
    assert not MemoryEntry.objects.filter(written_by=bob.id).exists()
    assert write_large(bob).status_code == 200


def test_a_token_waits_for_the_key_of_its_session(alice: WireAgent, impatient: None) -> None:
    token = alice.post(f"/sessions/{alice.id}/token").json()["token"]
    by_token = WireAgent(alice.base, type(alice.agent)(None, alice.agent.session, token=token))

    with at_work(alice):
        refused = write_large(by_token)

    assert refused.json()["code"] == "too_many_large_bodies"
    assert write_large(by_token).status_code == 200


def test_a_third_key_waits_for_the_process(
    alice: WireAgent, carol: WireAgent, dora: WireAgent, impatient: None
) -> None:
    with at_work(alice, carol):
        refused = write_large(dora)
        small = dora.get("/memory")

    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert small.status_code == 200
    assert write_large(dora).status_code == 200


def test_a_stranger_takes_no_turn(server: str, alice: WireAgent, carol: WireAgent, impatient: None) -> None:
    body: dict[str, Any] = {"entries": [{"key": "a", "value": LARGE}, {"key": "b", "value": LARGE}]}

    with at_work(alice, carol):
        answer = httpx.post(f"{server}/api/v1/memory", json=body, headers={"X-AISP-Key": "aisp_" + "x" * 38})

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


def test_a_hundred_agents_of_one_key_send_one_large_message_each(
    server: str, key: str, alice: WireAgent
) -> None:
    agents = [new_agent(key, f"agent-{number}") for number in range(100)]

    async def send(body: bytes) -> int:
        connection = Connection(server)
        await connection.open()
        try:
            return (await connection.call("POST", "/api/v1/messages", key, body))[0]
        finally:
            connection.writer.close()

    async def send_all() -> list[int]:
        bodies = [envelope(agent.id, alice.id, x="x" * (200 * KIB)) for agent in agents]
        return await asyncio.gather(*map(send, bodies))

    assert asyncio.run(send_all()) == [200] * 100
    assert Delivery.objects.filter(recipient_id=alice.id).count() == 100
