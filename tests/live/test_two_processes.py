"""Two server processes on one PostgreSQL and one Redis."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import pytest
from django.conf import settings

from realms import keys
from realms.models import ApiKey
from tests.cast import OPERATOR, new_agent
from tests.live.client import WireAgent
from tests.live.processes import server_process
from tests.waiting import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def database_url() -> str:
    """Return the URL of the database that the tests run on."""
    of = settings.DATABASES["default"]
    login = quote(of["USER"]) + (f":{quote(of['PASSWORD'])}" if of["PASSWORD"] else "")
    return f"postgres://{login}@{of['HOST']}:{of['PORT'] or 5432}/{of['NAME']}"


# What the contract says, and what the last request may take.
DEAD_WITHIN_SECONDS = 1.0
STREAMS_END_WITHIN_SECONDS = 5.0
SLACK_SECONDS = 0.5


@pytest.fixture(scope="module")
def two_processes(django_db_setup: None) -> Iterator[tuple[str, str]]:
    """The base URLs of two server processes."""
    url, redis_url = database_url(), os.environ["TEST_REDIS_URL"]
    with server_process(url, redis_url) as one, server_process(url, redis_url) as other:
        yield one, other


@pytest.fixture
def agents(two_processes: tuple[str, str], key: str) -> Iterator[tuple[WireAgent, WireAgent]]:
    """Alice, who calls one process, and bob, who calls the other."""
    one, other = two_processes
    with WireAgent(one, new_agent(key, "alice")) as alice, WireAgent(other, new_agent(key, "bob")) as bob:
        yield alice, bob


def test_what_one_process_takes_the_other_streams_at_once(agents: tuple[WireAgent, WireAgent]) -> None:
    alice, bob = agents
    with bob.stream() as stream:
        delays = []
        for _ in range(20):
            began = time.monotonic()
            sent = alice.send(bob.id)
            assert stream.messages(1) == [sent]
            delays.append(time.monotonic() - began)

    # Far below the 2 s after which it would have been found without a ring.
    assert sorted(delays)[10] < 0.5


def test_a_burst_through_one_process_arrives_in_order_at_the_other(
    agents: tuple[WireAgent, WireAgent],
) -> None:
    alice, bob = agents
    with bob.stream() as stream:
        sent = [alice.send(bob.id) for _ in range(300)]

        assert stream.messages(300) == sent


def test_a_ping_through_one_process_is_answered_through_the_other(
    agents: tuple[WireAgent, WireAgent],
) -> None:
    alice, bob = agents
    with bob.stream() as stream, httpx.Client() as http, ThreadPoolExecutor(1) as pool:
        url = f"{alice.base}/api/v1/sessions/{bob.id}/ping"
        answer = pool.submit(http.post, url, headers=alice.headers(), json={"nonce": "n"}, timeout=30)
        began = time.monotonic()
        assert stream.next().data["payload"] == {"nonce": "n"}
        bob.send(alice.id, "pong", payload={"nonce": "n"})
        assert answer.result().status_code == 200
    assert time.monotonic() - began < 1.5, "the pong should ring across processes"


def test_both_see_that_a_stream_is_open(agents: tuple[WireAgent, WireAgent]) -> None:
    alice, bob = agents
    with bob.stream():
        assert alice.get(f"/sessions/{bob.id}").json()["connected"] is True


@pytest.mark.parametrize(
    ("status", "code"),
    [(ApiKey.Status.REVOKED, "key_revoked"), (ApiKey.Status.DISABLED, "invalid_credentials")],
)
def test_a_key_stopped_here_is_dead_everywhere_within_a_second(
    agents: tuple[WireAgent, WireAgent], status: ApiKey.Status, code: str
) -> None:
    alice, bob = agents
    assert alice.get("/sessions").status_code == bob.get("/sessions").status_code == 200

    keys.set_status(key=ApiKey.objects.get(), status=status, by=OPERATOR)

    _wait_until_refused(agents, code)


def test_a_key_enabled_here_works_everywhere_within_a_second(agents: tuple[WireAgent, WireAgent]) -> None:
    key = ApiKey.objects.get()
    keys.set_status(key=key, status=ApiKey.Status.DISABLED, by=OPERATOR)
    _wait_until_refused(agents, "invalid_credentials")

    keys.set_status(key=key, status=ApiKey.Status.ACTIVE, by=OPERATOR)

    _wait_until(agents, lambda agent: agent.get("/sessions").status_code == 200)


def test_a_secret_rotated_out_here_is_dead_everywhere_within_a_second(
    agents: tuple[WireAgent, WireAgent],
) -> None:
    assert {agent.get("/sessions").status_code for agent in agents} == {200}

    new = keys.rotate_key(key=ApiKey.objects.get(), grace=keys.GRACES["none"], by=OPERATOR)

    _wait_until_refused(agents, "key_expired")
    for agent in agents:
        agent.agent.key = new
        assert agent.get("/sessions").status_code == 200


def test_a_disabled_keys_streams_end_everywhere_within_five_seconds(
    agents: tuple[WireAgent, WireAgent],
) -> None:
    with agents[0].stream() as one, agents[1].stream() as other:
        for stream in (one, other):
            assert stream.is_quiet(0.1)
        began = time.monotonic()
        keys.set_status(key=ApiKey.objects.get(), status=ApiKey.Status.DISABLED, by=OPERATOR)

        for stream in (one, other):
            close = stream.next()
            assert (close.event, close.data["reason"]) == ("close", "key_disabled")
            assert stream.ended()
    assert time.monotonic() - began < STREAMS_END_WITHIN_SECONDS + SLACK_SECONDS


def _wait_until_refused(agents: tuple[WireAgent, WireAgent], code: str) -> None:
    _wait_until(agents, lambda agent: agent.get("/sessions").json().get("code") == code)


def _wait_until(agents: tuple[WireAgent, WireAgent], holds: Callable[[WireAgent], bool]) -> None:
    """Return once it holds of both, which each has to within what the contract says, counted from now."""
    left = set(agents)

    def all_hold() -> bool:
        left.difference_update({agent for agent in left if holds(agent)})
        return not left

    wait_until(all_hold, seconds=DEAD_WITHIN_SECONDS + SLACK_SECONDS)
