"""Moving windows: at most so many requests of one name in any span of so many seconds, exactly.

Each accepted request leaves its time; it counts until it is older than the window. On Redis that is one
script, which asks Redis for the time: processes of several machines do not agree about it closely enough.
"""

import hashlib
import os
import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from hub.api.shared_redis import TIMEOUT_SECONDS, breaker

PREFIX = "aisp-hub:window:"
LOCAL_NAMES = 10_000
MICROSECONDS = 1_000_000

# KEYS: lists of times in microseconds, the newest first. ARGV: the window in microseconds, each list's limit.
# A request is counted in all lists or, if one of them is full, in none. Returns for each list whether it had
# room, how many count now, and after how many microseconds one more has room (of a list with room: after how
# many the oldest leaves).
TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local window, answers, full = tonumber(ARGV[1]), {}, false
for place, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[place + 1])
  local oldest = redis.call('LINDEX', key, -1)
  while oldest and tonumber(oldest) <= now - window do
    redis.call('RPOP', key)
    oldest = redis.call('LINDEX', key, -1)
  end
  local count = redis.call('LLEN', key)
  if count >= limit then
    full = true
    answers[place] = {0, count, redis.call('LINDEX', key, limit - 1) + window - now}
  else
    answers[place] = {1, count, (oldest or now) + window - now}
  end
end
if full then return answers end
for place, key in ipairs(KEYS) do
  redis.call('LPUSH', key, string.format('%.0f', now))
  redis.call('PEXPIRE', key, math.ceil(window / 1000))
  answers[place][2] = answers[place][2] + 1
end
return answers
"""

TAKE_DIGEST = hashlib.sha1(TAKE.encode(), usedforsecurity=False).hexdigest()  # by which EVALSHA names it

# KEYS: lists of TAKE. ARGV: the window in microseconds. Returns how many of each count now, and changes
# nothing. A list is in order, so where the window begins in it is found by halving.
PEEK = """
local clock = redis.call('TIME')
local since = clock[1] * 1000000 + clock[2] - tonumber(ARGV[1])
local counts = {}
for place, key in ipairs(KEYS) do
  local in_window, rest = 0, redis.call('LLEN', key)
  local middle = rest - 1
  while in_window < rest do
    if tonumber(redis.call('LINDEX', key, middle)) > since then in_window = middle + 1 else rest = middle end
    middle = math.floor((in_window + rest) / 2)
  end
  counts[place] = in_window
end
return counts
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """How a window stands after a request.

    Attributes:
        accepted: whether it had room for the request.
        remaining: requests that have room now.
        seconds: of a full window, the whole seconds after which one has room; of another, until the oldest
            that counts leaves it.
    """

    accepted: bool
    remaining: int
    seconds: int


class Windows(Protocol):
    """Counts requests."""

    def take(self, limits: Mapping[str, int], *, seconds: int) -> list[Usage]:
        """Count a request in all windows or, if one of them is full, in none; return how each one stands.

        Args:
            limits: of the windows, by their names.
        """

    def peek(self, names: Sequence[str], *, seconds: int) -> list[int]:
        """Return how many requests of each name count now, and count nothing."""


class LocalWindows:
    """Windows of this process alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, deque[int]] = {}

    def take(self, limits: Mapping[str, int], *, seconds: int) -> list[Usage]:
        """Accept or refuse, under one lock."""
        window = seconds * MICROSECONDS
        with self._lock:
            now = time.monotonic_ns() // 1000
            found = [self._times_of(name, now - window) for name in limits]
            if all(len(times) < limit for times, limit in zip(found, limits.values(), strict=True)):
                for times in found:
                    times.append(now)
                return [
                    _usage(True, len(times), times[0] + window - now, limit)
                    for times, limit in zip(found, limits.values(), strict=True)
                ]
            return [
                _usage(len(times) < limit, len(times), _wait(times, limit, now) + window, limit)
                for times, limit in zip(found, limits.values(), strict=True)
            ]

    def _times_of(self, name: str, until: int) -> deque[int]:
        """Return when requests of a name came that still count."""
        if len(self._times) >= LOCAL_NAMES and name not in self._times:
            self._forget_old(until)
        times = self._times.setdefault(name, deque())
        while times and times[0] <= until:
            times.popleft()
        return times

    def peek(self, names: Sequence[str], *, seconds: int) -> list[int]:
        """Count, under one lock."""
        with self._lock:
            since = time.monotonic_ns() // 1000 - seconds * MICROSECONDS
            found = [self._times.get(name, ()) for name in names]
            return [len(times) - bisect_right(times, since) for times in found]

    def _forget_old(self, until: int) -> None:
        self._times = {name: times for name, times in self._times.items() if times and times[-1] > until}


class RedisWindows:
    """Windows that all processes share.

    Each thread has a connection of its own: every request counts itself, and to take one out of a pool and
    see that it is still good would take longer than all the rest.
    """

    def __init__(self, url: str) -> None:
        self._client = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._peek = self._client.register_script(PEEK)
        self._mine = threading.local()

    def take(self, limits: Mapping[str, int], *, seconds: int) -> list[Usage]:
        """Accept or refuse, in one script.

        Raises:
            RedisError: it does not answer.
        """
        names = [PREFIX + name for name in limits]
        arguments: list[str | int] = [len(names), *names, seconds * MICROSECONDS, *limits.values()]
        try:
            answer = self._ask("EVALSHA", TAKE_DIGEST, *arguments)
        except NoScriptError:
            answer = self._ask("EVAL", TAKE, *arguments)
        return [
            _usage(bool(accepted), count, wait, limit)
            for (accepted, count, wait), limit in zip(answer, limits.values(), strict=True)
        ]

    def _ask(self, *command: str | int) -> Any:
        connection = self._connection()
        try:
            connection.send_command(*command)
            return connection.read_response()
        except (RedisConnectionError, RedisTimeoutError):
            # It has disconnected, and connects anew: Redis may have closed it while it was idle.
            connection.send_command(*command)
            return connection.read_response()

    def _connection(self) -> Any:
        if getattr(self._mine, "pid", None) != os.getpid():
            pool = self._client.connection_pool  # which would count the connections of threads that ended
            self._mine.connection = pool.connection_class(**pool.connection_kwargs)
            self._mine.pid = os.getpid()
        return self._mine.connection

    def peek(self, names: Sequence[str], *, seconds: int) -> list[int]:
        """Count all in one script.

        Raises:
            RedisError: it does not answer.
        """
        counts: list[int] = self._peek(keys=[PREFIX + name for name in names], args=[seconds * MICROSECONDS])
        return counts


class SharedWindows:
    """Windows on Redis, and while it does not answer, of this process alone."""

    def __init__(self, url: str) -> None:
        self._redis = RedisWindows(url)
        self._local = LocalWindows()

    def take(self, limits: Mapping[str, int], *, seconds: int) -> list[Usage]:
        """Accept or refuse."""
        return breaker.call(
            lambda: self._redis.take(limits, seconds=seconds),
            lambda: self._local.take(limits, seconds=seconds),
        )

    def peek(self, names: Sequence[str], *, seconds: int) -> list[int]:
        """Count where requests are counted now."""
        return breaker.call(
            lambda: self._redis.peek(names, seconds=seconds),
            lambda: self._local.peek(names, seconds=seconds),
        )


def _wait(times: deque[int], limit: int, now: int) -> int:
    """Return how long ago, as a negative number, the request came whose end makes room, or the oldest."""
    decisive = times[-limit] if len(times) >= limit else times[0] if times else now
    return decisive - now


def _usage(accepted: bool, count: int, wait_microseconds: int, limit: int) -> Usage:
    return Usage(accepted, max(0, limit - count), max(1, -(-wait_microseconds // MICROSECONDS)))
