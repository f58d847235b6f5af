"""System checks: settings that would make the hub work badly are named before it starts."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.http.request import split_domain_port, validate_host

from hub.api.observed import LOGGED_FROM

LONGEST_DRAIN_SECONDS = 4
EVERY_PROXY = "*"  # as uvicorn reads FORWARDED_ALLOW_IPS, if it stands alone
# Bits of a prefix. Even a content delivery network has no wider network for its proxies.
WIDEST_IPV4, WIDEST_IPV6 = 8, 16
PROXIES_HINT = (
    "Set FORWARDED_ALLOW_IPS to the addresses or networks of your proxies alone, separated by commas, "
    "such as FORWARDED_ALLOW_IPS=10.0.3.7,172.30.9.0/24."
)


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


@register(deploy=True)
def check_mail(**_: Any) -> list[CheckMessage]:
    """Warn of a hosted hub without a mail server: who reads its log could follow the links of its people."""
    if settings.HUB_EMBEDDED or not settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        return []
    hint = "Set EMAIL_URL to your mail server, such as smtp+tls://user:password@smtp.example.com:587."
    what = "There is no EMAIL_URL, so mails go to the log, with links that reset a password or join a realm."
    return [Warning(what, hint=hint, id="hub.W006")]


@register(Tags.security)
def check_trusted_proxies(**_: Any) -> list[CheckMessage]:
    """Find what is no address or network in FORWARDED_ALLOW_IPS; uvicorn accepts it and trusts nobody."""
    if settings.HUB_TRUSTED_PROXIES == [EVERY_PROXY]:
        return []
    return [
        Error(
            f"FORWARDED_ALLOW_IPS has {part!r}, which is no IP address or network.",
            hint=f"{PROXIES_HINT} Host names are not looked up. A network has zeros after its prefix.",
            id="hub.E008",
        )
        for part in settings.HUB_TRUSTED_PROXIES
        if _network(part) is None
    ]


@register(Tags.security, deploy=True)
def check_forged_addresses(**_: Any) -> list[CheckMessage]:
    """Warn if any client could be taken for a proxy, and so choose the address that the hub sees."""
    wide = [
        part
        for part in settings.HUB_TRUSTED_PROXIES
        if part == EVERY_PROXY or ((network := _network(part)) and _is_wide(network))
    ]
    return [
        Warning(
            f"FORWARDED_ALLOW_IPS has {part!r}: any client may write an address of its choice into "
            "X-Forwarded-For. Then limits by address do not hold, and the audit log names a wrong address.",
            hint=PROXIES_HINT,
            id="hub.W003",
        )
        for part in wide
    ]


@register(Tags.security, deploy=True)
def check_proxy_elsewhere(**_: Any) -> list[CheckMessage]:
    """Warn if the hub listens for a proxy on another machine, but trusts only proxies on this one."""
    networks = [network for part in settings.HUB_TRUSTED_PROXIES if (network := _network(part))]
    only_here = EVERY_PROXY not in settings.HUB_TRUSTED_PROXIES and all(each.is_loopback for each in networks)
    if settings.HUB_EMBEDDED or _is_loopback(settings.HUB_HOST) or not only_here:
        return []
    return [
        Warning(
            f"The hub listens on {settings.HUB_HOST} (HOST) and trusts a proxy only on this machine "
            f"(FORWARDED_ALLOW_IPS is {','.join(settings.HUB_TRUSTED_PROXIES)!r}). Behind a proxy on another "
            "machine, all clients have the proxy's address and share one limit for refused credentials.",
            hint=f"{PROXIES_HINT} If the proxy is on this machine, set HOST=127.0.0.1.",
            id="hub.W004",
        )
    ]


@register(Tags.security, deploy=True)
def check_allowed_hosts(**_: Any) -> list[CheckMessage]:
    """Warn if pages refuse the host name by which clients reach the hub."""
    host, _port = split_domain_port(urlsplit(settings.HUB_ORIGIN).netloc)
    if not host or settings.DEBUG or validate_host(host, settings.ALLOWED_HOSTS):
        return []
    return [
        Warning(
            f"ALLOWED_HOSTS does not have {host!r}, the host of HUB_ORIGIN: the hub's pages answer 400.",
            hint=f"Add the host, such as ALLOWED_HOSTS={','.join([host, *settings.ALLOWED_HOSTS])}.",
            id="hub.W005",
        )
    ]


def _network(part: str) -> IPv4Network | IPv6Network | None:
    """Return the network that a part of FORWARDED_ALLOW_IPS names, of one address perhaps."""
    try:
        return ip_network(part)
    except ValueError:
        return None


def _is_wide(network: IPv4Network | IPv6Network) -> bool:
    return network.prefixlen < (WIDEST_IPV4 if network.version == 4 else WIDEST_IPV6)


def _is_loopback(host: str) -> bool:
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback


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
        "REALM_REQUESTS_PER_MINUTE": 0,
        "MOST_KEYS": 0,
        "MOST_REALMS": 0,
    }
    hint = "Set it to a number of at least 1. 0 means no limit, which refused credentials always have."
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
