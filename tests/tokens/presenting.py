"""Presenting a token to the hub, and what it says to one that it does not accept."""

import re
from typing import Any

from tests.cast import Agent, Answer

_COUNTS = re.compile(r"\b[rt]=\d+")  # of the header RateLimit


def present(token: str) -> Answer:
    """Send a request that needs nothing but a credential."""
    return Agent(None, token=token).get("sessions")


def accepts(token: str) -> bool:
    """Tell whether the hub accepts a token."""
    return present(token).status == 200


def assert_refused(token: str) -> None:
    """Check that a token is refused, and just as one that never was a token."""
    assert without_chance(present(token)) == without_chance(present("x"))


def without_chance(answer: Answer) -> dict[str, Any]:
    """Return all of a refused credential's answer but what differs from one request to the next."""
    assert (answer.status, answer.code) == (401, "invalid_credentials"), answer.json
    headers = {name: _COUNTS.sub("", value) for name, value in answer.headers.items()}
    headers.pop("X-Request-ID")
    body = {name: value for name, value in answer.json.items() if name != "request_id"}
    return {"status": answer.status, "headers": headers, "body": body}
