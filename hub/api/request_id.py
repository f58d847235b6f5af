"""The request's id: the client's own if it is harmless, else a new one."""

import re
import secrets

HEADER = "X-Request-ID"

_HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,128}")


def request_id_from(header: str | None) -> str:
    """Return the id that answer, log and audit carry for a request with this X-Request-ID."""
    if header is not None and _HARMLESS.fullmatch(header):
        return header
    return secrets.token_hex(16)
