"""Clients' IP addresses, which a proxy or a server may have put in any form."""

import ipaddress
from functools import lru_cache

IPV6_NETWORK_BITS = 64  # what one subscriber gets
UNKNOWN = "unknown"
REMEMBERED = 4096  # forms of addresses


@lru_cache(REMEMBERED)
def client_address(text: object) -> str:
    """Return an IP address in its canonical form, without a zone; "" for what is none.

    A trusted proxy's X-Forwarded-For can hold anything that a client wrote.
    """
    try:
        ip = ipaddress.ip_address(str(text).partition("%")[0])
    except ValueError:
        return ""
    # Otherwise all of IPv4 would be one IPv6 network in a count.
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def network_of(address: str) -> str:
    """Return what stands for a canonical address in a count: itself, or of IPv6 its subscriber's network."""
    if not address:
        return UNKNOWN
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/{IPV6_NETWORK_BITS}", strict=False).network_address)
