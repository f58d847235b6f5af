"""Pollers share an inbox without overlap, and no reader is left without a message."""

from collections import defaultdict
from collections.abc import Iterator

from tests.faults.history import Outcome
from tests.faults.invariants.violation import Violation
from tests.faults.view import View, token_of


def polls_are_disjoint(view: View) -> Iterator[Violation]:
    """(3) No message is in two answers of marking polls."""
    taken: dict[tuple[str, str], str] = {}
    for call in view.history.calls("poll"):
        if call.ok:
            for message in call.answer["messages"]:
                by = f"{call.client} at {call.began:.3f}"
                first = taken.setdefault((call.session, message["id"]), by)
                if first != by:
                    yield Violation("polled_twice", f"{message['id']}: by {first} and by {by}")


def pollers_get_all(view: View) -> Iterator[Violation]:
    """(3) Pollers and their recoveries get everything; what no poll returned was in a poll's lost answer."""
    shown: dict[str, set[str]] = defaultdict(set)
    polled: dict[str, set[str]] = defaultdict(set)
    may_have_taken: dict[str, int] = defaultdict(int)
    for call in view.history.calls("poll", "recover"):
        if call.ok:
            tokens = set(map(token_of, call.answer["messages"]))
            shown[call.session] |= tokens
            if call.verb == "poll":
                polled[call.session] |= tokens
        elif call.verb == "poll" and call.outcome is Outcome.MAYBE:
            may_have_taken[call.session] += call.arguments["limit"]
    for session, inbox in _inboxes(view, "polled"):
        name = view.name_of(session)
        if missed := inbox - shown[session]:
            yield Violation("not_recovered", f"{name}: neither polled nor recovered {sorted(missed)}")
        unpolled = inbox - polled[session]
        if len(unpolled) > may_have_taken[session]:
            evidence = f"{sorted(unpolled)}, but lost polls took {may_have_taken[session]} at most"
            yield Violation("marked_unseen", f"{name}: never polled {evidence}")


def streams_get_all(view: View) -> Iterator[Violation]:
    """(1) A client that resumes with the last id it has receives everything."""
    shown: dict[tuple[str, str], set[str]] = defaultdict(set)
    for connection in view.connections.values():
        opened = connection.opened
        shown[opened.client, opened.session].update(map(token_of, connection.messages))
    for (client, session), tokens in shown.items():
        inbox = {token_of(message) for message in view.inboxes.get(session, [])} - {""}
        if missed := inbox - tokens:
            yield Violation("stream_incomplete", f"{client} never got {sorted(missed)}")


def _inboxes(view: View, kind: str) -> Iterator[tuple[str, set[str]]]:
    for session, messages in view.inboxes.items():
        member = view.members.get(session)
        if member and member.inbox == kind:
            yield session, {token_of(message) for message in messages} - {""}
