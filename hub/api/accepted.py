"""Credentials that this process accepted lately.

An address with too many refused credentials has no others looked up. So a stranger behind a shared address
costs no queries, and locks out nobody who works there already. The memory says only that a credential is
worth a query: whether it still opens anything is checked each time.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping

KEPT_SECONDS = 3600.0
CREDENTIALS = 10_000

_lock = threading.Lock()
_accepted: OrderedDict[bytes, float] = OrderedDict()  # when, by digest, the latest last


def remember(headers: Mapping[str, str]) -> None:
    """Note that the credential of a request is accepted; the one that was unused longest makes room."""
    digest = _digest(headers)
    with _lock:
        _accepted[digest] = time.monotonic()
        _accepted.move_to_end(digest)
        if len(_accepted) > CREDENTIALS:
            _accepted.popitem(last=False)


def forget(headers: Mapping[str, str]) -> None:
    """Note that the credential of a request is refused."""
    with _lock:
        _accepted.pop(_digest(headers), None)


def forget_all() -> None:
    """Begin anew, for a test."""
    with _lock:
        _accepted.clear()


def is_known(headers: Mapping[str, str]) -> bool:
    """Tell whether the credential of a request was accepted in the last hour."""
    accepted_at = _accepted.get(_digest(headers))
    return accepted_at is not None and time.monotonic() - accepted_at < KEPT_SECONDS


def _digest(headers: Mapping[str, str]) -> bytes:
    presented = (headers.get("x-aisp-key", ""), headers.get("authorization", ""))
    return hashlib.sha256("\0".join(presented).encode()).digest()
