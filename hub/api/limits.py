"""Rate limits: of API keys and realms by the minute, and of addresses whose credentials are refused.

The headers are those of draft-ietf-httpapi-ratelimit-headers. A token counts against the key that
registered its session. A request that no key stands behind has the headers of its address.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit import core as django_ratelimit

from accounts.address import network_of
from hub.api.windows import LocalWindows, SharedWindows, Windows
from realms.identity import KeyIdentity
from realms.keys import SCOPES
from realms.refusal import Refusal

MINUTE = 60
READ, WRITE = SCOPES
REALM = "realm"
REFUSED = "refused-credentials"
NOTED_SECONDS = 1.0
NOTED_ADDRESSES = 10_000
UNLIMITED = 1_000_000_000  # what is said of a key without a limit


@lru_cache(maxsize=1)
def windows() -> Windows:
    """Return where this process counts."""
    return SharedWindows(settings.HUB_REDIS_URL) if settings.HUB_REDIS_URL else LocalWindows()


def _headers(policy: str, limit: int, remaining: int, seconds: int) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"{policy}";q={limit};w={MINUTE}',
        "RateLimit": f'"{policy}";r={remaining};t={seconds}',
    }


def count_request(key: KeyIdentity, scope: str) -> dict[str, str]:
    """Count a request against its key and its realm, and return the headers that say what is left.

    Raises:
        Refusal: `rate_limited`; after its Retry-After there is room for one.
    """
    limits = {
        scope: key.reads_per_minute if scope == READ else key.writes_per_minute,
        REALM: settings.HUB_REALM_REQUESTS_PER_MINUTE,
    }
    names = {scope: f"{key.key_id}:{scope}", REALM: key.realm_id}
    counted = {policy: limit for policy, limit in limits.items() if limit}
    if not counted:
        return _headers(scope, UNLIMITED, UNLIMITED, MINUTE)
    usages = windows().take({names[policy]: limit for policy, limit in counted.items()}, seconds=MINUTE)
    stands = dict(zip(counted, usages, strict=True))
    full = {policy: usage for policy, usage in stands.items() if not usage.accepted}
    # The window that takes longest says what to wait for; without one, the key's own is of interest.
    policy = max(full, key=lambda policy: full[policy].seconds) if full else next(iter(stands))
    headers = _headers(policy, counted[policy], stands[policy].remaining, stands[policy].seconds)
    if full:
        seconds = stands[policy].seconds
        who = "All keys of this realm together" if policy == REALM else "This API key"
        what = "requests" if policy == REALM else f"{scope}s"
        again = f"send the request again after {seconds} seconds."
        detail = f"{who} may send {limits[policy]} {what} a minute; {again}"
        raise Refusal("rate_limited", detail, headers={"Retry-After": str(seconds), **headers})
    return headers


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a key's limit the last minute took; a `limit` of 0 is none, and nothing is counted."""

    used: int
    limit: int

    @property
    def share(self) -> float:
        """The used part of the limit, from 0 to 1."""
        return min(1.0, self.used / self.limit) if self.limit else 0.0

    @property
    def low(self) -> int:
        """Up to here there is plenty left."""
        return self.limit * 6 // 10

    @property
    def high(self) -> int:
        """From here on there is little left."""
        return self.limit * 9 // 10


def use_of(keys: Sequence[KeyIdentity]) -> list[tuple[Use, Use]]:
    """Return how many reads and writes of each key count against its limits now."""
    names = [f"{key.key_id}:{scope}" for key in keys for scope in (READ, WRITE)]
    counts = windows().peek(names, seconds=MINUTE) if names else []
    return [
        (Use(reads, key.reads_per_minute), Use(writes, key.writes_per_minute))
        for key, reads, writes in zip(keys, counts[::2], counts[1::2], strict=True)
    ]


def count_refusal(address: str) -> dict[str, str]:
    """Count a refused credential against the address that it came from, and return its headers.

    Raises:
        Refusal: `rate_limited`, from an address with too many of them.
    """
    return _refused_beyond_limit(address, _address_usage(address, increment=True))


def refuse_busy_address(address: str) -> None:
    """Raise `Refusal` `rate_limited` if an address had its 429 for refused credentials, and count nothing.

    Call it before a credential is looked up that this process has not accepted lately.
    """
    _refused_beyond_limit(address, _address_usage(address, increment=False))


def _refused_beyond_limit(address: str, usage: dict[str, int]) -> dict[str, str]:
    headers = _note_address(address, usage)
    if usage["should_limit"]:
        seconds = usage["time_left"] + 1
        detail = f"Too many credentials from your address were refused; wait for {seconds} seconds."
        raise Refusal("rate_limited", detail, headers={"Retry-After": str(seconds), **headers})
    return headers


_noted: dict[str, tuple[float, dict[str, str]]] = {}


def address_headers(address: str) -> dict[str, str]:
    """Return the headers of an answer to a request that no key stands behind.

    They may be `NOTED_SECONDS` old: nothing is decided by them.
    """
    noted = _noted.get(network_of(address))
    if noted is not None and time.monotonic() - noted[0] < NOTED_SECONDS:
        return noted[1]
    return _note_address(address, _address_usage(address, increment=False))


def _note_address(address: str, usage: dict[str, int]) -> dict[str, str]:
    remaining = max(0, usage["limit"] - usage["count"])
    headers = _headers(REFUSED, usage["limit"], remaining, usage["time_left"] + 1)
    if len(_noted) >= NOTED_ADDRESSES:
        _noted.clear()
    _noted[network_of(address)] = (time.monotonic(), headers)
    return headers


def _address_usage(address: str, *, increment: bool) -> dict[str, int]:
    """Return django-ratelimit's count of an address's refused credentials in this minute."""
    usage: dict[str, int] = django_ratelimit.get_usage(
        HttpRequest(),
        group=REFUSED,
        key=lambda *_: network_of(address),
        rate=(settings.HUB_REFUSALS_PER_MINUTE, MINUTE),
        increment=increment,
    )
    return usage
