"""Histories made by hand, for the tests of the checker: a small cast, and one line an event."""

from pathlib import Path
from typing import Any

from tests.faults.checker import violations
from tests.faults.history import (
    Call,
    Fault,
    History,
    Member,
    Outcome,
    StreamEnded,
    StreamEvent,
    StreamOpened,
)
from tests.faults.invariants.consent import DELEGATE
from tests.faults.invariants.delivery import token
from tests.faults.invariants.order import INBOX_START
from tests.faults.view import Message

# A moment on the wall clock is the one of the history's clock and this.
EPOCH = 1_000_000.0
REALMS = {"sam": "north", "paula": "north", "stella": "north", "bob": "north", "mallory": "south"}
INBOXES = {"paula": "polled", "stella": "streamed"}


def message(number: int, *, sender: str = "sam", realm: str = "north", category: str = "message") -> Message:
    """Return sam's message of a number as an inbox shows it."""
    payload = {"token": token(realm, sender, number), "number": number}
    return {"id": f"msg_{number:026}", "from": sender, "category": category, "payload": payload}


class Tale:
    """A history that is told line by line; sessions have their names for ids."""

    def __init__(self, path: Path | None = None) -> None:
        self.history = History(path)
        self.inboxes: dict[str, list[Message]] = {name: [] for name in REALMS}
        for name, realm in REALMS.items():
            self.history.note(Member(name, name, realm, INBOXES.get(name, "unread")))

    def call(self, who: str, verb: str, began: float, ended: float, answer: Any, **how: Any) -> Call:
        """Tell of a call; it went well unless `status` says otherwise, and 0 is no answer."""
        status = how.pop("status", 200)
        outcome = Outcome.MAYBE if status in (0, 500, 503) else Outcome.REFUSED
        call = Call(
            client=how.pop("client", who),
            session=who,
            verb=verb,
            arguments=how.pop("arguments", {}),
            began=began,
            ended=ended,
            began_wall=EPOCH + began,
            ended_wall=EPOCH + ended,
            outcome=Outcome.OK if status == 200 else outcome,
            status=status,
            answer=answer,
            **how,
        )
        self.history.note(call)
        return call

    def send(
        self, number: int, to: list[str], began: float, *, seconds: float = 0.1, key: bool = False, **how: Any
    ) -> Call:
        """Tell of a send; into an inbox it comes by `stands`."""
        told = message(number, category=how.pop("category", "message"))
        arguments = {"to": to, "token": told["payload"]["token"], "idempotency_key": "key" if key else None}
        arguments |= {"category": told["category"], "payload": told["payload"]}
        answer = how.pop("answer", {"message_id": told["id"]})
        return self.call("sam", "send", began, began + seconds, answer, arguments=arguments, **how)

    def stands(self, who: str, *messages: Message) -> None:
        """Put messages into an inbox, at its end."""
        self.inboxes[who].extend(messages)

    def poll(self, who: str, messages: list[Message], *, status: int = 200, client: str = "poller") -> None:
        """Tell of a marking poll."""
        answer = {"messages": messages}
        self.call(who, "poll", 5.0, 5.1, answer, arguments={"limit": 7}, status=status, client=client)

    def recover(self, who: str, messages: list[Message], *, after: str = INBOX_START) -> None:
        """Tell of a recovery."""
        arguments = {"after": after, "limit": 200}
        self.call(who, "recover", 6.0, 6.1, {"messages": messages}, arguments=arguments, client="poller")

    def stream(
        self, who: str, messages: list[Message], *, after: str = INBOX_START, kind: str = "message"
    ) -> None:
        """Tell of a connection of a stream."""
        number = len(self.history.records)
        self.history.note(StreamOpened(number, "streamer", who, after, 1.0))
        for told in messages:
            self.history.note(StreamEvent(number, kind, told["id"], told, 2.0))
        self.history.note(StreamEnded(number, "cut", 3.0))

    def grant(self, *, approved: float, revoked: float | None, expires: float | None = None) -> None:
        """Tell of sam asking bob to take delegated work, and of bob saying yes and then no."""
        wish = {"to": "bob", "capability": DELEGATE, "expires_wall": EPOCH + expires if expires else None}
        self.call("sam", "request", 0.0, 0.1, {"grant_id": "grant_1"}, arguments=wish)
        what = {"grant": "grant_1"}
        self.call("bob", "approve", approved, approved + 0.1, {}, arguments=what)
        if revoked is not None:
            self.call("bob", "revoke", revoked, revoked + 0.1, {}, arguments=what)

    def fault(self, began: float, healed: float) -> None:
        """Tell of a fault."""
        self.history.note(Fault("kill_server", began, healed))

    def end(self) -> set[str]:
        """Have all inboxes read, and return the names of what the history violates."""
        for who, messages in self.inboxes.items():
            arguments = {"after": INBOX_START, "limit": 200}
            self.call(who, "final", 90.0, 90.1, {"messages": messages}, arguments=arguments)
        return {violation.name for violation in violations(self.history)}
