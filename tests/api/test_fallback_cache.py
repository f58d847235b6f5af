"""The cache on Redis holds JSON only: whoever can write to Redis gets no more by it than wrong counts."""

import os
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from hub.api.fallback_cache import FallbackCache
from tests.cases import cases

pytestmark = pytest.mark.redis

planted_code_ran: list[str] = []


class Harmful:
    """An object that runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return planted_code_ran.append, ("ran",)


@pytest.fixture
def planted() -> Callable[[bytes], FallbackCache]:
    """Write something past the cache, under the name `attempts`, and return the cache."""
    url = os.environ["TEST_REDIS_URL"]

    def plant(value: bytes) -> FallbackCache:
        planted_code_ran.clear()
        Redis.from_url(url).set(":1:attempts", value, ex=60)
        return FallbackCache(url, {})

    return plant


@cases("value", [pickle.dumps(Harmful()), pickle.dumps([1.5]), b'{"a":1}', b'["x"]', b"[" * 10_000, b"\xff"])
def test_a_planted_value_counts_as_missing(planted: Callable[[bytes], FallbackCache], value: bytes) -> None:
    attempts = planted(value)

    assert attempts.get("attempts", [0.0]) == [0.0]
    assert attempts.get("attempts", 3) == 3
    assert attempts.incr("attempts") == 1
    assert planted_code_ran == []


def test_numbers_and_times_come_back_as_they_were(planted: Callable[[bytes], FallbackCache]) -> None:
    attempts = planted(b"7")

    assert attempts.incr("attempts", 2) == 9
    attempts.set("attempts", [1796212345.123456, 2.0], 60)
    assert attempts.get("attempts", []) == [1796212345.123456, 2.0]
    assert attempts.add("other-attempts", True, 60)
    assert not attempts.add("other-attempts", True, 60)
    attempts.delete("other-attempts")
