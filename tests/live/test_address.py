"""The client's address, as the audit log has it, behind a proxy on the same machine."""

import pytest

from realms.models import AuditEvent
from tests.live.client import WireAgent


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (None, "127.0.0.1"),
        ("192.0.2.7", "192.0.2.7"),
        ("203.0.113.9, 192.0.2.7", "192.0.2.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("x" * 300, ""),
        ("fe80::1%" + "x" * 300, "fe80::1"),
    ],
)
def test_it_is_what_the_proxy_says_if_that_is_an_address(
    alice: WireAgent, forwarded: str | None, address: str
) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    assert alice.post(f"/sessions/{alice.id}/token", {}, **headers).status_code == 200

    event = AuditEvent.objects.get(action="token.issued")
    assert event.address == address
    assert alice.get("/nothing", **headers).headers["RateLimit"].startswith('"refused-credentials"')
