"""A history seen as what the promises speak of: sends, inboxes, readings, streams."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults.history import (
    Call,
    Death,
    Fault,
    History,
    Member,
    Outcome,
    StreamEnded,
    StreamEvent,
    StreamOpened,
)

Message = dict[str, Any]
IN_PROGRESS = "idempotency_in_progress"


@dataclass
class Send:
    """One message that a client wanted to send, in one try or, under an Idempotency-Key, in several."""

    token: str
    tries: list[Call] = field(default_factory=list)

    @property
    def sender(self) -> str:
        """The session that sent it."""
        return self.tries[0].session

    @property
    def recipients(self) -> list[str]:
        """The sessions that it was sent to."""
        return list(self.tries[0].arguments["to"])

    @property
    def envelope(self) -> tuple[str, Any]:
        """Its category and payload."""
        arguments = self.tries[0].arguments
        return arguments["category"], arguments["payload"]

    @property
    def outcome(self) -> Outcome:
        """What its client knows after all tries."""
        outcomes = {each.outcome for each in self.tries if each.code != IN_PROGRESS}
        for outcome in (Outcome.OK, Outcome.MAYBE, Outcome.REFUSED):
            if outcome in outcomes:
                return outcome
        return Outcome.MAYBE

    @property
    def settled(self) -> bool:
        """Whether a client that goes on until a definite answer got one."""
        return any(each.outcome is not Outcome.MAYBE and each.code != IN_PROGRESS for each in self.tries)

    @property
    def idempotent(self) -> bool:
        """Whether it carried an Idempotency-Key."""
        return bool(self.tries[0].arguments.get("idempotency_key"))

    @property
    def began(self) -> float:
        """When its first try began."""
        return min(each.began for each in self.tries)

    @property
    def acknowledged(self) -> float:
        """When its first 2xx had arrived; infinite without one."""
        return min((each.ended for each in self.tries if each.ok), default=float("inf"))

    @property
    def message_ids(self) -> set[str]:
        """The message ids that its 2xx answers gave."""
        return {each.answer["message_id"] for each in self.tries if each.ok}


@dataclass
class Connection:
    """One connection of a stream."""

    opened: StreamOpened
    events: list[StreamEvent] = field(default_factory=list)
    why: str = ""

    @property
    def messages(self) -> list[Message]:
        """The messages that arrived whole."""
        return [event.data for event in self.events if event.kind == "message"]


@dataclass(frozen=True)
class Reading:
    """Messages that one session was shown at once, or on one connection."""

    source: str
    session: str
    messages: list[Message]
    after: str | None  # for what shows an inbox without gaps from a message on


class View:
    """A history, indexed."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.members: dict[str, Member] = {}
        self.sends: dict[str, Send] = {}
        self.inboxes: dict[str, list[Message]] = {}
        self.connections: dict[int, Connection] = {}
        self.deaths: list[Death] = []
        for record in history.records:
            self._take(record)
        self.positions = {
            session: {message["id"]: place for place, message in enumerate(inbox)}
            for session, inbox in self.inboxes.items()
        }
        self.placed: dict[str, dict[str, list[int]]] = {}
        for session, inbox in self.inboxes.items():
            places = self.placed[session] = defaultdict(list)
            for place, message in enumerate(inbox):
                places[token_of(message)].append(place)

    def _take(self, record: object) -> None:
        match record:
            case Member():
                self.members[record.session] = record
            case Call(verb="send"):
                token = record.arguments["token"]
                self.sends.setdefault(token, Send(token)).tries.append(record)
            case Call(verb="final", outcome=Outcome.OK):
                self.inboxes.setdefault(record.session, []).extend(record.answer["messages"])
            case StreamOpened():
                self.connections[record.connection] = Connection(record)
            case StreamEvent():
                self.connections[record.connection].events.append(record)
            case StreamEnded():
                self.connections[record.connection].why = record.why
            case Death():
                self.deaths.append(record)

    @property
    def faults(self) -> list[Fault]:
        """The faults of the run."""
        return self.history.faults()

    def readings(self) -> Iterator[Reading]:
        """Give all that any client was shown of an inbox."""
        for call in self.history.calls("poll", "recover", "final"):
            if call.ok:
                source = f"{call.verb} of {call.client} at {call.began:.3f}"
                yield Reading(source, call.session, call.answer["messages"], call.arguments.get("after"))
        for connection in self.connections.values():
            opened = connection.opened
            source = f"stream {opened.connection} of {opened.client}"
            yield Reading(source, opened.session, connection.messages, opened.after)

    def realm_of(self, session: str) -> str:
        """Return the realm of a session."""
        return self.members[session].realm

    def name_of(self, session: str) -> str:
        """Return the name of a session, for evidence."""
        member = self.members.get(session)
        return member.name if member else session


def token_of(message: Message) -> str:
    """Return the token of a message that a client sent; empty for the hub's own notices."""
    return str(message["payload"].get("token", ""))
