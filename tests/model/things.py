"""What the model is made of. Ids and times are the hub's; what follows from them is the model's own."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

PENDING, ACTIVE, DENIED, REVOKED, EXPIRED = "pending", "active", "denied", "revoked", "expired"
INACTIVE, DEREGISTERED = "inactive", "deregistered"


class Refused(Exception):
    """The hub has to refuse this, with this status and code, and to change nothing."""

    def __init__(self, status: int, code: str) -> None:
        self.status = status
        self.code = code
        super().__init__(f"{status} {code}")


class SomeTime:
    """Equal to every time as the wire has it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and len(other) == len(wire(now())) and other.endswith("Z")

    def __repr__(self) -> str:
        return "SOME_TIME"

    __hash__ = None  # type: ignore[assignment]


SOME_TIME = SomeTime()


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def wire(moment: datetime) -> str:
    """Return a time as the wire has it; such texts sort as the times do."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ahead(**span: float) -> str:
    """Return the time so far ahead, or behind, as the wire has it."""
    return wire(now() + timedelta(**span))


@dataclass(eq=False)
class Session:
    """A running agent. One that no realm holds stands for an id that names nothing."""

    id: str
    key: str
    name: str
    kind: str
    capabilities: list[str]
    status: str = ACTIVE
    inbox: list["Delivery"] = field(default_factory=list)

    @property
    def is_live(self) -> bool:
        return self.status != DEREGISTERED

    @property
    def unread(self) -> int:
        return sum(not delivery.is_read for delivery in self.inbox)

    def __repr__(self) -> str:
        return f"<{self.name} {self.id[-4:]} {self.status}>"


@dataclass(eq=False)
class Message:
    """What a session sent, or the hub (`sender` None). The id of a notice is empty until it is seen."""

    id: str
    sender: Session | None
    to: list[Session]
    category: str
    payload: Json
    capability: str | None = None
    sent_at: str = ""

    def received(self) -> Json:
        """Return it as a recipient gets it."""
        answer = {
            "id": self.id,
            "from": self.sender.id if self.sender else "hub",
            "category": self.category,
            "sent_at": self.sent_at or SOME_TIME,
            "payload": self.payload,
        }
        return answer | ({"capability": self.capability} if self.capability else {})

    def __repr__(self) -> str:
        return f"<{self.category} {self.id[-4:]}>"


@dataclass(eq=False)
class Delivery:
    """A message in an inbox."""

    message: Message
    is_read: bool = False


@dataclass(eq=False)
class Grant:
    """What `requester` asked of `grantor`; `status` is what was last written down."""

    id: str
    requester: Session
    grantor: Session
    capability: str
    namespace: str | None
    expires_at: str
    reason: str | None
    status: str = PENDING

    @property
    def status_now(self) -> str:
        """The status; the clock ends a grant that nobody has ended yet."""
        is_open = self.status in (PENDING, ACTIVE)
        return EXPIRED if is_open and self.expires_at <= wire(now()) else self.status

    @property
    def is_open(self) -> bool:
        return self.status_now in (PENDING, ACTIVE)

    def of(self, session: Session) -> bool:
        """Tell whether `session` is one of its sides."""
        return session in (self.requester, self.grantor)

    def other_side(self, session: Session) -> Session:
        """Return the side that `session` is not."""
        return self.grantor if session is self.requester else self.requester

    def answer(self) -> Json:
        """Return it as the wire has it."""
        return {
            "id": self.id,
            "from": self.requester.id,
            "to": self.grantor.id,
            "capability": self.capability,
            "namespace": self.namespace,
            "status": self.status_now,
            "expires_at": self.expires_at,
        }

    def __repr__(self) -> str:
        return f"<{self.status} {self.capability} {self.namespace} {self.id[-4:]}>"


@dataclass
class Entry:
    """A value in memory, and how many times it was written."""

    value: Any
    version: int


def covers(pattern: str, key: str) -> bool:
    """Tell whether a grant of `pattern` covers `key`: `*`, that very key, or what lies below `a.*`."""
    *root, last = pattern.split(".")
    if last != "*":
        return key == pattern
    segments = key.split(".")
    return segments[: len(root)] == root and len(segments) > len(root)


def is_narrower(narrow: str, wide: str) -> bool:
    """Tell whether `narrow` covers nothing that `wide` does not; `*` is a segment that no key has."""
    return narrow == wide or covers(wide, narrow)
