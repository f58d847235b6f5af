"""Who makes a change: what every rule that is audited is told."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from accounts.models import User


class Kind(StrEnum):
    """What an actor is."""

    SESSION = "session"
    KEY = "key"
    USER = "user"
    OPERATOR = "operator"
    WORKER = "worker"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever makes a change, and the request that it comes with.

    Attributes:
        name: the id of a session or a key, a person's e-mail address, or a task's or a command's name.
        request_id: of the request; "" where there is none.
        address: the client's IP address; "" where there is none.
        user: the person, where it is one.
        runs_hub: whether they act as an operator, who is bound by none of what binds a realm's own people.
    """

    kind: Kind
    name: str
    request_id: str = ""
    address: str = ""
    user: User | None = field(default=None, repr=False, compare=False)
    runs_hub: bool = field(default=False, compare=False)

    @classmethod
    def person(cls, user: User, *, request_id: str = "", address: str = "", runs_hub: bool = False) -> Self:
        """Return a person who works in the console."""
        return cls(Kind.USER, user.email, request_id, address, user, runs_hub)

    @classmethod
    def operator(cls, user: User, *, request_id: str = "", address: str = "") -> Self:
        """Return a person who works in the admin, of whom a realm's own people need not have heard."""
        return cls(Kind.OPERATOR, user.email, request_id, address, user, runs_hub=True)

    @classmethod
    def worker(cls, task: str) -> Self:
        """Return the periodic task of this name."""
        return cls(Kind.WORKER, task)

    @classmethod
    def command(cls, name: str) -> Self:
        """Return whoever runs a management command: the operator of the machine."""
        return cls(Kind.COMMAND, name, runs_hub=True)
