"""What a request can name, and where in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Named(Enum):
    """A thing of a realm that requests name."""

    ME = auto()  # the session that the tenant's agent acts as
    PEER = auto()  # another session of the realm, of another key
    RECEIVED = auto()  # a message in my inbox
    SENT = auto()  # a message that I sent
    ASKED_OF_ME = auto()  # a pending grant that I am to decide
    KEY = auto()  # a memory key of mine
    NAMESPACE = auto()  # a memory namespace of mine
    PEERS_PATTERN = auto()  # a subtree of the peer's namespace
    SLUG = auto()  # the realm's
    NEW_NAME = auto()  # a session name; that of another realm's session is free here
    NAME = auto()  # a session's name
    KIND = auto()  # a session's kind
    CAPABILITY = auto()  # what the peer declared and gave me a grant for
    IDEMPOTENCY_KEY = auto()  # under which my answer is kept
    NONCE = auto()  # of a ping of the hub's that waits for my pong
    SESSIONS_CURSOR = auto()  # the second page of one entry each
    MEMORY_CURSOR = auto()
    GRANTS_CURSOR = auto()


# What is named by an id, which may come in any letter case.
IDS = (Named.ME, Named.PEER, Named.RECEIVED, Named.SENT, Named.ASKED_OF_ME)


@dataclass(frozen=True, slots=True)
class Name:
    """A place in a request that takes an id or a name.

    Attributes:
        of: what is named there.
        refused: the code of the answer if another realm's thing, or one that exists nowhere, is named
            there; None if it is accepted, because it names nothing yet or is compared with nothing.
    """

    of: Named
    refused: str | None


def names_in(template: Any, place: str) -> Iterator[tuple[str, Name]]:
    """Yield every place in a template with the name that stands there; a place reads `body/to/0`."""
    if isinstance(template, Name):
        yield place, template
    elif isinstance(template, dict):
        for member, inner in template.items():
            yield from names_in(inner, f"{place}/{member}")
    elif isinstance(template, list):
        for i, inner in enumerate(template):
            yield from names_in(inner, f"{place}/{i}")


def filled(template: Any, place: str, values: dict[str, str]) -> Any:
    """Return a template with the values in the places of its names."""
    if isinstance(template, Name):
        return values[place]
    if isinstance(template, dict):
        return {member: filled(inner, f"{place}/{member}", values) for member, inner in template.items()}
    if isinstance(template, list):
        return [filled(inner, f"{place}/{i}", values) for i, inner in enumerate(template)]
    return template
