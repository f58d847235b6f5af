"""Moving windows: never more than the limit in any span, and room again as soon as they say."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from hub.api import windows
from hub.api.shared_redis import breaker
from hub.api.windows import PREFIX, LocalWindows, RedisWindows, SharedWindows, Usage, Windows

NAME = f"test-{os.getpid()}"  # the workers of a run share one Redis


class Clock:
    """The monotonic clock of local windows, in nanoseconds."""

    def __init__(self) -> None:
        self.now = 10**18

    def monotonic_ns(self) -> int:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += round(seconds * 10**9)


Pass = Callable[[float], None]


@pytest.fixture(params=["local", pytest.param("redis", marks=pytest.mark.redis)])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Windows, Pass]]:
    """Windows, and what lets time pass for them; on Redis, every time that is kept grows older instead."""
    if request.param == "local":
        clock = Clock()
        monkeypatch.setattr(windows, "time", clock)
        yield LocalWindows(), clock.pass_
        return
    redis = Redis.from_url(settings.HUB_REDIS_URL, decode_responses=True)
    redis.delete(PREFIX + NAME)

    def age(seconds: float) -> None:
        kept = [int(str(each)) for each in redis.lrange(PREFIX + NAME, 0, -1)]
        for place, each in enumerate(kept):
            redis.lset(PREFIX + NAME, place, str(each - round(seconds * 10**6)))

    yield RedisWindows(settings.HUB_REDIS_URL), age
    redis.delete(PREFIX + NAME)


def taken(found: Windows, limit: int = 3, seconds: int = 10) -> Usage:
    return found.take({NAME: limit}, seconds=seconds)[0]


def test_as_many_as_the_limit_are_accepted(world: tuple[Windows, Pass]) -> None:
    found, _ = world

    usages = [taken(found) for _ in range(5)]

    assert [usage.accepted for usage in usages] == [True, True, True, False, False]
    assert [usage.remaining for usage in usages] == [2, 1, 0, 0, 0]
    assert all(9 <= usage.seconds <= 10 for usage in usages)


def test_there_is_room_after_the_seconds_that_a_refusal_says(world: tuple[Windows, Pass]) -> None:
    found, let_pass = world
    taken(found)
    let_pass(4)
    taken(found)
    taken(found)

    refused = taken(found)
    assert not refused.accepted and 5 <= refused.seconds <= 6
    let_pass(refused.seconds - 1.5)
    assert not taken(found).accepted
    let_pass(1.5)
    assert taken(found).accepted
    assert not taken(found).accepted, "only the oldest has left the window"


def test_what_is_refused_does_not_count(world: tuple[Windows, Pass]) -> None:
    found, let_pass = world
    for _ in range(10):
        taken(found)
    let_pass(10)

    assert [taken(found).accepted for _ in range(4)] == [True, True, True, False]


def test_a_lower_limit_says_when_there_is_room_under_it(world: tuple[Windows, Pass]) -> None:
    found, let_pass = world
    for _ in range(3):
        taken(found)
        let_pass(1)

    refused = taken(found, limit=1)

    assert not refused.accepted and refused.remaining == 0
    let_pass(refused.seconds)
    assert taken(found, limit=1).accepted


def test_names_are_counted_apart(world: tuple[Windows, Pass]) -> None:
    found, _ = world
    assert taken(found, limit=1).accepted

    assert found.take({f"{NAME}-2": 1}, seconds=1)[0].accepted
    assert not taken(found, limit=1).accepted


def test_a_look_counts_what_is_in_the_window_and_changes_nothing(world: tuple[Windows, Pass]) -> None:
    found, let_pass = world
    for pause in (1.0, 2, 3, 0):
        taken(found, limit=5)
        let_pass(pause)

    looks = []
    for pause in (4.5, 1, 2, 3):
        let_pass(pause)
        looks.append(found.peek([NAME, f"{NAME}-none"], seconds=10))

    assert looks == [[3, 0], [2, 0], [1, 0], [0, 0]]
    assert found.peek([], seconds=10) == []


def test_a_look_at_any_number_of_requests_is_exact(world: tuple[Windows, Pass]) -> None:
    found, let_pass = world
    for number in range(1, 9):
        taken(found, limit=100)
        let_pass(1)

        assert found.peek([NAME], seconds=100) == [number]
    for age in range(1, 10):
        assert found.peek([NAME], seconds=age) == [age - 1]


def test_a_look_at_a_redis_that_is_away_is_at_this_processs_windows() -> None:
    away = SharedWindows("redis://127.0.0.1:1/0")
    try:
        away.take({NAME: 3}, seconds=10)

        assert away.peek([NAME], seconds=10) == [1]
    finally:
        breaker._next_try = None


@given(
    limit=st.integers(1, 5),
    steps=st.lists(st.tuples(st.sampled_from([0, 0.001, 0.4, 1, 2.5, 5]), st.integers(1, 4)), max_size=40),
)
def test_in_no_span_are_more_than_the_limit(limit: int, steps: list[tuple[float, int]]) -> None:
    clock, seconds = Clock(), 5
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(windows, "time", clock)
        found = LocalWindows()
        accepted: list[int] = []
        for pause, requests in steps:
            clock.pass_(pause)
            for _ in range(requests):
                in_window = [at for at in accepted if at > clock.now - seconds * 10**9]
                usage = taken(found, limit, seconds)
                # Exactly as many as fit, neither more nor less.
                assert usage.accepted == (len(in_window) < limit)
                assert usage.remaining == limit - len(in_window) - usage.accepted
                if usage.accepted:
                    accepted.append(clock.now)


def test_names_that_are_over_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(windows, "time", clock)
    monkeypatch.setattr(windows, "LOCAL_NAMES", 10)
    found = LocalWindows()
    for number in range(10):
        found.take({str(number): 1}, seconds=5)
    clock.pass_(5)
    found.take({"new": 1}, seconds=5)

    assert list(found._times) == ["new"]


class Slow(deque[int]):
    """A queue that lets other threads run while somebody looks at how long it is."""

    def __len__(self) -> int:
        length = super().__len__()
        time.sleep(0.0001)
        return length


def test_threads_together_get_as_many_as_the_limit(
    world: tuple[Windows, Pass], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = world
    monkeypatch.setattr(windows, "deque", Slow)
    start = threading.Barrier(20, timeout=10)

    def run(_: int) -> int:
        start.wait()
        return sum(taken(found, limit=50, seconds=60).accepted for _ in range(10))

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(run, range(20))) == 50


@pytest.mark.redis
def test_a_window_leaves_nothing_on_redis() -> None:
    redis = Redis.from_url(settings.HUB_REDIS_URL)
    RedisWindows(settings.HUB_REDIS_URL).take({NAME: 3}, seconds=1)

    assert 0 < int(redis.pttl(PREFIX + NAME)) <= 1000


def test_a_process_measures_time_that_only_grows() -> None:
    found = LocalWindows()
    usage = found.take({NAME: 1}, seconds=2)[0]
    assert usage.accepted and time.monotonic_ns() // 1000 - found._times[NAME][0] < 10**6


@pytest.mark.redis
def test_a_redis_that_has_forgotten_the_script_is_given_it_again() -> None:
    shared = RedisWindows(settings.HUB_REDIS_URL)
    assert shared.take({f"{NAME}-forgotten": 5}, seconds=60)[0].remaining == 4

    Redis.from_url(settings.HUB_REDIS_URL).script_flush()

    assert shared.take({f"{NAME}-forgotten": 5}, seconds=60)[0].remaining == 3


@pytest.mark.redis
def test_a_connection_that_redis_has_closed_is_made_again() -> None:
    shared = RedisWindows(settings.HUB_REDIS_URL)
    assert shared.take({f"{NAME}-closed": 5}, seconds=60)[0].remaining == 4
    mine = shared._connection()
    port = mine._sock.getsockname()[1]

    Redis.from_url(settings.HUB_REDIS_URL).client_kill(f"127.0.0.1:{port}")

    assert shared.take({f"{NAME}-closed": 5}, seconds=60)[0].remaining == 3


@pytest.mark.redis
def test_any_number_of_threads_may_come_and_go() -> None:
    shared = RedisWindows(settings.HUB_REDIS_URL)
    threads = 150  # more than a pool of redis-py's has connections
    accepted: list[bool] = []

    def take_one() -> None:
        accepted.append(shared.take({f"{NAME}-threads": 1000}, seconds=60)[0].accepted)

    for _ in range(threads):
        thread = threading.Thread(target=take_one)
        thread.start()
        thread.join()

    assert accepted == [True] * threads
