"""Clients' addresses, in whatever form they come."""

import pytest

from accounts.address import client_address, network_of


@pytest.mark.parametrize(
    ("text", "address", "network"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("2001:DB8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("fe80::1%" + "x" * 100, "fe80::1", "fe80::"),
        ("", "", "unknown"),
        (None, "", "unknown"),
        ("unix:", "", "unknown"),
        ("192.0.2.7:80", "", "unknown"),
        ("1" * 300, "", "unknown"),
        ("127.0.0.1\\0", "", "unknown"),
    ],
)
def test_an_address_is_canonical_or_none(text: str | None, address: str, network: str) -> None:
    assert client_address(text) == address
    assert network_of(address) == network
