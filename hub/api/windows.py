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
from collections.abc import Sequence
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

# KEYS[1]: a list of times in microseconds, the newest first. ARGV: the window in microseconds, the limit.
# Returns whether it was accepted, how many count now, and the microseconds until one more has room (of an
# accepted one: until the oldest leaves).
TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local window, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local oldest = redis.call('LINDEX', KEYS[1], -1)
while oldest and tonumber(oldest) <= now - window do
  redis.call('RPOP', KEYS[1])
  oldest = redis.call('LINDEX', KEYS[1], -1)
end
local count = redis.call('LLEN', KEYS[1])
if count >= limit then
  return {0, count, redis.call('LINDEX', KEYS[1], limit - 1) + window - now}
end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return {1, count + 1, (oldest or now) + window - now}
"""

TAKE_DIGEST = hashlib.sha1(TAKE.encode(), usedforsecurity=False).hexdigest()  # by which EVALSHA names it

# KEYS: lists of TAKE's. ARGV: the window in microseconds. Returns how many of each count now, and changes
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
        remaining: requests that have room now.
        seconds: of a refused request, the whole seconds after which one has room; of an accepted one, until
            the oldest that counts leaves the window.
    """

    accepted: bool
    remaining: int
    seconds: int


class Windows(Protocol):
    """Counts requests."""

    def take(self, name: str, *, limit: int, seconds: int) -> Usage:
        """Accept a request of `name`, or refuse it and count nothing."""

    def peek(self, names: Sequence[str], *, seconds: int) -> list[int]:
        """Return how many requests of each name count now, and count nothing."""


class LocalWindows:
    """Windows of this process alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, deque[int]] = {}

    def take(self, name: str, *, limit: int, seconds: int) -> Usage:
        """Accept or refuse, under one lock."""
        window = seconds * MICROSECONDS
        with self._lock:
            now = time.monotonic_ns() // 1000
            if len(self._times) >= LOCAL_NAMES and name not in self._times:
                self._forget_old(now - window)
            times = self._times.setdefault(name, deque())
            while times and times[0] <= now - window:
                times.popleft()
            if len(times) >= limit:
                return _usage(False, len(times), times[-limit] + window - now, limit)
            times.append(now)
            return _usage(True, len(times), times[0] + window - now, limit)

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

    def take(self, name: str, *, limit: int, seconds: int) -> Usage:
        """Accept or refuse, in one script.

        Raises:
            RedisError: it does not answer.
        """
        arguments = (1, PREFIX + name, seconds * MICROSECONDS, limit)
        try:
            answer = self._ask("EVALSHA", TAKE_DIGEST, *arguments)
        except NoScriptError:
            answer = self._ask("EVAL", TAKE, *arguments)
        accepted, count, wait = answer
        return _usage(bool(accepted), count, wait, limit)

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

    def take(self, name: str, *, limit: int, seconds: int) -> Usage:
        """Accept or refuse."""
        return breaker.call(
            lambda: self._redis.take(name, limit=limit, seconds=seconds),
            lambda: self._local.take(name, limit=limit, seconds=seconds),
        )

    def peek(self, names: Sequence[str], *, seconds: int) -> list[int]:
        """Count where requests are counted now."""
        return breaker.call(
            lambda: self._redis.peek(names, seconds=seconds),
            lambda: self._local.peek(names, seconds=seconds),
        )


def _usage(accepted: bool, count: int, wait_microseconds: int, limit: int) -> Usage:
    return Usage(accepted, max(0, limit - count), max(1, -(-wait_microseconds // MICROSECONDS)))
