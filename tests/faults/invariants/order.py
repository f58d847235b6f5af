"""An inbox has one order, and everybody who is shown it sees that order."""

import heapq
from collections.abc import Iterator
from itertools import pairwise

from tests.faults.invariants.violation import Violation
from tests.faults.view import Reading, View

INBOX_START = f"msg_{'0' * 26}"


def readings_follow_the_inbox(view: View) -> Iterator[Violation]:
    """(2) What one answer or connection shows stands in the inbox's order; after a given id, without gaps."""
    for reading in view.readings():
        positions = view.positions.get(reading.session)
        if positions is None:
            continue
        ids = [message["id"] for message in reading.messages]
        unknown = [each for each in ids if each not in positions]
        if unknown:
            yield Violation("not_in_inbox", f"{reading.source}: {unknown} is not in the inbox at the end")
            continue
        places = [positions[each] for each in ids]
        for (one, before), (other, after) in pairwise(zip(ids, places, strict=True)):
            if after <= before:
                yield Violation("out_of_order", f"{reading.source}: {other} came after {one}")
        yield from _gaps(reading, positions, places)


def _gaps(reading: Reading, positions: dict[str, int], places: list[int]) -> Iterator[Violation]:
    if reading.after is None:
        return
    start = -1 if reading.after == INBOX_START else positions.get(reading.after)
    if start is None:
        yield Violation("not_in_inbox", f"{reading.source}: began after {reading.after}, which is gone")
        return
    if missing := set(range(start + 1, max(places, default=start) + 1)) - set(places):
        named = [each for each, place in positions.items() if place in missing]
        yield Violation("gap", f"{reading.source}: after {reading.after} it left out {named}")


def acknowledged_first_stands_first(view: View) -> Iterator[Violation]:
    """(2) Of two sends to one inbox, of which one was answered before the other began, it stands first."""
    for session, placed in view.placed.items():
        sends = [
            (send, placed[send.token][0])
            for send in view.sends.values()
            if send.message_ids and placed.get(send.token)
        ]
        answered: list[tuple[float, int, str]] = []
        latest, latest_token = -1, ""
        by_answer = [(send.acknowledged, place, send.token) for send, place in sends]
        heapq.heapify(by_answer)
        answered = by_answer
        for send, place in sorted(sends, key=lambda each: each[0].began):
            while answered and answered[0][0] < send.began:
                _, before, token = heapq.heappop(answered)
                if before > latest:
                    latest, latest_token = before, token
            if latest > place:
                inbox = view.name_of(session)
                evidence = f"{send.token} began after {latest_token} was acknowledged and stands before it"
                yield Violation("overtaken", f"in the inbox of {inbox}: {evidence}")


def no_stream_is_reset(view: View) -> Iterator[Violation]:
    """Nothing expires in a run, so that no inbox has lost the message that a stream resumes after."""
    for connection in view.connections.values():
        for event in connection.events:
            if event.kind == "reset":
                yield Violation("reset", f"stream {event.connection} after {connection.opened.after}")


def events_are_named_after_their_message(view: View) -> Iterator[Violation]:
    """(2) The id that a client resumes with is the one of the message that came with it."""
    for connection in view.connections.values():
        for event in connection.events:
            if event.kind == "message" and event.id != event.data["id"]:
                yield Violation("other_event_id", f"stream {event.connection}: {event.id} for {event.data!r}")
