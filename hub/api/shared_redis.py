"""Redis as limits and counts use it: while it does not answer, each process counts by itself."""

from redis.exceptions import RedisError

from hub.breaker import Breaker

# Of one try, so that a Redis which hangs holds a request for no longer.
TIMEOUT_SECONDS = 0.25
RETRY_SECONDS = 2.0

breaker = Breaker("redis", RedisError, retry_seconds=RETRY_SECONDS)
