"""The hub fails well: it says 503 in the one error shape, stays up, and goes on."""

from collections.abc import Iterator

from tests.faults.invariants.violation import Violation
from tests.faults.view import View

PROBLEM = "application/problem+json"


def failures_are_503(view: View) -> Iterator[Violation]:
    """(6) No 5xx but 503, and that as a problem with Retry-After."""
    for call in view.history.calls():
        if call.status < 500:
            continue
        what = f"{call.verb} of {call.client} at {call.began:.3f}: {call.status} {call.answer!r}"
        if call.status != 503:
            yield Violation("server_error", what)
        elif not call.content_type.startswith(PROBLEM) or not call.retry_after.isdecimal():
            shape = f"{call.content_type!r}, Retry-After {call.retry_after!r}"
            yield Violation("bad_503", f"{what}: {shape}")


def it_goes_on(view: View) -> Iterator[Violation]:
    """Messages are acknowledged again after the last fault, and no process ends by itself."""
    for death in view.deaths:
        yield Violation("died", f"{death.part} ended by itself at {death.at:.3f} with {death.code}")
    last = max((fault.healed for fault in view.faults), default=0.0)
    if view.faults and not any(call.ok and call.began > last for call in view.history.calls("send")):
        yield Violation("no_recovery", f"no send was acknowledged after the last fault, at {last:.3f}")
