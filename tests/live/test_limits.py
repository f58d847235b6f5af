"""Rate limits between processes: exact together, and each by itself while Redis is gone."""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from redis import Redis
from redis.exceptions import RedisError

from hub.api.fallback_cache import FallbackCache
from hub.api.windows import SharedWindows
from hub.breaker import Breaker
from realms.models import Realm
from tests import servers
from tests.cast import new_agent, new_key
from tests.live.client import WireAgent
from tests.live.processes import server_process
from tests.live.test_two_processes import database_url
from tests.waiting import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

WORKERS = 50
LIMIT = 60
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis of the test's own, which it may take down."""
    with servers.redis() as url:
        yield url


def test_fifty_workers_of_two_processes_get_exactly_the_limit(realm: Realm) -> None:
    key = new_key(realm, writes_per_minute=LIMIT, reads_per_minute=LIMIT)[1]
    agent = new_agent(key, "alice")
    envelope = {"aisp": "0.1", "from": agent.id, "to": agent.id, "category": "message", "payload": {}}
    url, redis = database_url(), os.environ["TEST_REDIS_URL"]
    start = threading.Barrier(WORKERS, timeout=30)

    with server_process(url, redis) as one, server_process(url, redis) as other:

        def work(number: int) -> list[tuple[str, httpx.Response]]:
            base = one if number % 2 else other
            with httpx.Client(base_url=f"{base}/api/v1", headers=agent.headers(), timeout=30) as http:
                start.wait()
                sends = [("write", http.post("/messages", json=envelope)) for _ in range(3)]
                return [*sends, *(("read", http.get("/sessions")) for _ in range(3))]

        began = time.monotonic()
        with ThreadPoolExecutor(WORKERS) as pool:
            answers = [answer for done in pool.map(work, range(WORKERS)) for answer in done]
        assert time.monotonic() - began < 55, "all within one window, or this test proves nothing"

    counted = Counter((scope, answer.status_code) for scope, answer in answers)
    refused = 3 * WORKERS - LIMIT
    assert counted == {
        ("write", 200): LIMIT, ("write", 429): refused, ("read", 200): LIMIT, ("read", 429): refused,
    }  # fmt: skip
    # Each one that was accepted saw another number of what remains, down to none.
    for wanted in ("write", "read"):
        granted = [a.headers["RateLimit"] for scope, a in answers if scope == wanted and a.status_code == 200]
        assert sorted(int(each.split(";r=")[1].split(";")[0]) for each in granted) == list(range(LIMIT))


def test_in_no_second_is_more_accepted_than_the_limit(redis_url: str) -> None:
    """Whatever counts as one second between the first call's start and the last one's end."""
    limit, seconds = 40, 3.0
    accepted: list[tuple[float, float]] = []
    ends = time.monotonic() + seconds
    instances = [SharedWindows(redis_url) for _ in range(5)]

    def work(number: int) -> None:
        found = instances[number % 5]
        while (began := time.monotonic()) < ends:
            if found.take({"burst": limit}, seconds=1)[0].accepted:
                accepted.append((began, time.monotonic()))

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))

    for began, _ in accepted:
        assert sum(began <= other[0] and other[1] <= began + 1 for other in accepted) <= limit
    assert len(accepted) >= limit * (seconds - 1), "and they use what they may"


def new_breaker(retry_seconds: float) -> Breaker:
    return Breaker("redis", RedisError, retry_seconds=retry_seconds)


def test_while_redis_is_gone_each_process_limits_by_itself(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.api.windows.breaker", new_breaker(0.2))
    one, other = SharedWindows(redis_url), SharedWindows(redis_url)

    def accepted(found: SharedWindows) -> int:
        return sum(found.take({"name": 3}, seconds=60)[0].accepted for _ in range(5))

    assert (accepted(one), accepted(other)) == (3, 0)
    Redis.from_url(redis_url).shutdown(nosave=True)
    assert (accepted(one), accepted(other)) == (3, 3)


def test_redis_is_used_again_when_it_is_back() -> None:
    found = new_breaker(0.05)
    client = Redis.from_url(NOWHERE)

    def gone() -> str:
        client.ping()
        return "redis"

    assert found.call(gone, lambda: "instead") == "instead"
    # At once it is not asked at all.
    assert found.call(lambda: pytest.fail("asked"), lambda: "instead") == "instead"
    wait_until(lambda: found.call(lambda: "redis", lambda: "instead") == "redis", seconds=2)
    assert found.call(lambda: "redis", lambda: pytest.fail("not asked")) == "redis"


def test_the_cache_counts_on_while_redis_is_gone(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.api.fallback_cache.breaker", new_breaker(2.0))
    cache = FallbackCache(redis_url, {})

    def attempts() -> list[int]:
        cache.add("name", 0, 60)
        return [cache.incr("name") for _ in range(2)]

    assert attempts() == [1, 2]
    cache.add("begun-on-redis", 5, 60)
    Redis.from_url(redis_url).shutdown(nosave=True)
    assert cache.incr("begun-on-redis") == 1, "not a fault, and not forgotten that somebody counts"
    assert attempts() == [1, 2]
    assert (cache.get("name"), cache.get("other", 7)) == (2, 7)


def test_no_request_fails_when_redis_is_killed(realm: Realm, redis_url: str) -> None:
    agent = new_agent(new_key(realm, reads_per_minute=20)[1], "alice")
    with server_process(database_url(), redis_url) as base, WireAgent(base, agent) as alice:
        assert alice.get("/sessions").status_code == 200
        Redis.from_url(redis_url).shutdown(nosave=True)

        statuses = [alice.get("/sessions").status_code for _ in range(25)]
        refused = httpx.get(f"{base}/api/v1/sessions", headers={"X-AISP-Key": "x"}, timeout=10)
        sent = [alice.send(alice.id) for _ in range(3)]

        assert Counter(statuses) == {200: 20, 429: 5}
        assert (refused.status_code, "RateLimit" in refused.headers) == (401, True)
        assert len(sent) == 3
