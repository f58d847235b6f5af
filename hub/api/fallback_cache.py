"""Django's cache on Redis that falls back to the process's own memory while Redis does not answer.

It holds what counts attempts: numbers, and lists of times. Whoever can write to Redis must not get more by it
than wrong counts, so the values are JSON, and a value of another kind counts as missing.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ResponseError

from hub.api.shared_redis import TIMEOUT_SECONDS, breaker

TIMEOUTS = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}


Value = bool | int | list[float]


class JsonSerializer:
    """JSON in the place of Django's pickles. Redis can count with a number."""

    def dumps(self, value: Value) -> bytes:
        """Return a value as JSON."""
        return msgspec.json.encode(value)

    def loads(self, text: bytes) -> Value | None:
        """Return the value of a JSON text; None for any other text."""
        try:
            value: Value = msgspec.json.decode(text, type=Value)
        except (msgspec.DecodeError, RecursionError):
            return None
        return value


class FallbackCache(BaseCache):
    """Redis at `LOCATION`, else memory: what counts attempts goes on counting them."""

    def __init__(self, location: str, params: Mapping[str, Any]) -> None:
        super().__init__(dict(params))
        options = {**TIMEOUTS, "serializer": JsonSerializer, **params.get("OPTIONS", {})}
        self._redis = RedisCache(location, {**params, "OPTIONS": options})
        self._memory = LocMemCache("fallback", {})

    def _call(self, verb: str, *args: Any, **options: Any) -> Any:
        return breaker.call(
            lambda: getattr(self._redis, verb)(*args, **options),
            lambda: getattr(self._memory, verb)(*args, **options),
        )

    def add(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Set a value that is not there yet, and tell whether that was so."""
        return bool(self._call("add", key, value, timeout=timeout, version=version))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return a value, if it is of the kind of the default."""
        value = self._call("get", key, default, version=version)
        return value if default is None or type(value) is type(default) else default

    def set(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        """Set a value."""
        self._call("set", key, value, timeout=timeout, version=version)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add to a number and return it; what Redis took with it is counted anew.

        Raises:
            ValueError: it is not there.
        """

        def in_memory() -> int:
            self._memory.add(key, 0, version=version)
            return int(self._memory.incr(key, delta, version=version))

        def in_redis() -> int:
            try:
                return int(self._redis.incr(key, delta, version=version))
            except ResponseError:  # something that is no number
                self._redis.set(key, delta, version=version)
                return delta

        return breaker.call(in_redis, in_memory)

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set when a value expires."""
        return bool(self._call("touch", key, timeout=timeout, version=version))

    def delete(self, key: str, version: int | None = None) -> bool:
        """Remove a value."""
        return bool(self._call("delete", key, version=version))

    def clear(self) -> None:
        """Remove everything."""
        self._call("clear")
