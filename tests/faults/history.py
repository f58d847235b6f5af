"""The history of a run: every call and what came back, every event of a stream, every fault.

It is kept in memory and written as JSON lines, so that a failing run can be checked again. Moments are
seconds of the monotonic clock; `…_wall` ones are seconds since the epoch, for what expires by the clock.
"""

import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Self

import msgspec
from msgspec import Struct


class Outcome(StrEnum):
    """What a client knows after a call."""

    OK = "ok"
    REFUSED = "refused"  # a definite 4xx: nothing happened
    MAYBE = "maybe"  # no answer, or a 5xx: it may have been done


class Member(Struct, tag="member"):
    """A session of the cast, its realm, and how its inbox is read (`polled`, `streamed` or not at all)."""

    session: str
    name: str
    realm: str
    inbox: str


class Call(Struct, tag="call", kw_only=True):
    """One request, and what came back."""

    client: str
    session: str
    verb: str
    arguments: dict[str, Any]
    began: float
    ended: float
    began_wall: float
    ended_wall: float
    outcome: Outcome
    status: int = 0
    content_type: str = ""
    retry_after: str = ""
    answer: Any = None
    failure: str = ""

    @property
    def code(self) -> str:
        """The code of the problem that was answered, or nothing."""
        return str(self.answer.get("code", "")) if isinstance(self.answer, dict) else ""

    @property
    def ok(self) -> bool:
        """Whether it was answered with 2xx."""
        return self.outcome is Outcome.OK


class StreamOpened(Struct, tag="opened"):
    """A stream was opened with a Last-Event-ID."""

    connection: int
    client: str
    session: str
    after: str
    at: float


class StreamEvent(Struct, tag="event"):
    """An event arrived whole, its blank line included."""

    connection: int
    kind: str
    id: str
    data: Any
    at: float


class StreamEnded(Struct, tag="ended"):
    """A stream's connection ended."""

    connection: int
    why: str
    at: float


class Fault(Struct, tag="fault"):
    """A fault was injected, and healed again."""

    name: str
    began: float
    healed: float
    note: str = ""


class Death(Struct, tag="death"):
    """A process ended that nobody had killed."""

    part: str
    code: int
    at: float


Record = Member | Call | StreamOpened | StreamEvent | StreamEnded | Fault | Death


class History:
    """The records of one run, in the order in which they were complete."""

    def __init__(self, path: Path | None = None) -> None:
        self.records: list[Record] = []
        self._file: IO[bytes] | None = None
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")

    def note(self, record: Record) -> None:
        """Add a record."""
        self.records.append(record)
        if self._file:
            self._file.write(msgspec.json.encode(record) + b"\n")

    def close(self) -> None:
        """Finish the file."""
        if self._file:
            self._file.close()
            self._file = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the history that a run wrote."""
        history = cls()
        decoder = msgspec.json.Decoder(Record)
        history.records = [decoder.decode(line) for line in path.read_bytes().splitlines()]
        return history

    def calls(self, *verbs: str) -> Iterator[Call]:
        """Give the calls, or those of some verbs."""
        for record in self.records:
            if isinstance(record, Call) and (not verbs or record.verb in verbs):
                yield record

    def faults(self) -> list[Fault]:
        """Return the faults that were injected."""
        return [record for record in self.records if isinstance(record, Fault)]


def now() -> float:
    """Return the moment on the clock of a history."""
    return time.monotonic()
