"""System checks: settings that would make the hub work badly are named before it starts."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from hub.api.observed import LOGGED_FROM

LONGEST_DRAIN_SECONDS = 4


@register(Tags.security)
def check_origin(**_: Any) -> list[CheckMessage]:
    """The origin is what problem types, links and tokens are made of."""
    parts = urlsplit(settings.HUB_ORIGIN)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
        hint = "Set HUB_ORIGIN to how clients reach the hub, such as https://hub.example.com."
        return [Error(f"HUB_ORIGIN is {settings.HUB_ORIGIN!r}, not an origin.", hint=hint, id="hub.E001")]
    if not settings.HUB_EMBEDDED and not settings.DEBUG and parts.scheme != "https":
        hint = "Put the hub behind a proxy that ends TLS, and set HUB_ORIGIN to its https:// address."
        return [Warning("HUB_ORIGIN is not https: API keys travel in clear.", hint=hint, id="hub.W001")]
    return []


@register()
def check_request_threads(**_: Any) -> list[CheckMessage]:
    """Each request thread holds a database connection."""
    if 1 <= settings.HUB_REQUEST_THREADS <= 64:
        return []
    hint = "Set HUB_REQUEST_THREADS to a number from 1 to 64; 8 is right for most."
    return [Error(f"HUB_REQUEST_THREADS is {settings.HUB_REQUEST_THREADS}.", hint=hint, id="hub.E002")]


@register()
def check_limits(**_: Any) -> list[CheckMessage]:
    """A limit below zero would refuse everything, and refused credentials always have one."""
    least = {
        "READS_PER_MINUTE": 0,
        "WRITES_PER_MINUTE": 0,
        "MOST_READS_PER_MINUTE": 0,
        "MOST_WRITES_PER_MINUTE": 0,
        "REFUSALS_PER_MINUTE": 1,
    }
    hint = "Set it to a number of requests a minute; for reads and writes 0 means no limit."
    return [
        Error(f"HUB_{name} is {getattr(settings, f'HUB_{name}')}.", hint=hint, id="hub.E004")
        for name, number in least.items()
        if getattr(settings, f"HUB_{name}") < number
    ]


@register()
def check_patience(**_: Any) -> list[CheckMessage]:
    """A process is gone 15 s after SIGTERM, of which running requests have 10."""
    errors: list[CheckMessage] = []
    if not settings.HUB_STATEMENT_SECONDS > 0:
        hint = "Set it to how many seconds a request may wait for one statement; 5 is right for most."
        errors.append(
            Error(f"HUB_STATEMENT_SECONDS is {settings.HUB_STATEMENT_SECONDS}.", hint=hint, id="hub.E005")
        )
    if not 0 <= settings.HUB_DRAIN_SECONDS <= LONGEST_DRAIN_SECONDS:
        hint = f"Set it to a number of seconds from 0 to {LONGEST_DRAIN_SECONDS}."
        errors.append(Error(f"HUB_DRAIN_SECONDS is {settings.HUB_DRAIN_SECONDS}.", hint=hint, id="hub.E006"))
    return errors


@register()
def check_request_log(**_: Any) -> list[CheckMessage]:
    """What is none of the three would be an error at each request."""
    if settings.HUB_LOG_REQUESTS in LOGGED_FROM:
        return []
    hint = f"Set it to one of {', '.join(LOGGED_FROM)}."
    return [Error(f"HUB_LOG_REQUESTS is {settings.HUB_LOG_REQUESTS!r}.", hint=hint, id="hub.E007")]


@register()
def check_cors_origins(**_: Any) -> list[CheckMessage]:
    """Origins are compared as they stand, so a path or a star would never match."""
    wrong = [
        origin
        for origin in settings.CORS_ALLOWED_ORIGINS
        if not urlsplit(origin).netloc or urlsplit(origin).path or "*" in origin
    ]
    hint = "Give full origins separated by commas, such as https://app.example.com."
    return [Error(f"{origin!r} is not an origin.", hint=hint, id="hub.E003") for origin in wrong]


@register()
def check_wake_ups(**_: Any) -> list[CheckMessage]:
    """Several processes need Redis to wake each other."""
    if settings.HUB_EMBEDDED or hasattr(settings, "CHANNEL_LAYERS"):
        return []
    hint = "Set REDIS_URL, or run one process only; without it, others notice a message after up to 2 s."
    return [Warning("A hosted hub without REDIS_URL.", hint=hint, id="hub.W002")]
