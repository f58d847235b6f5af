"""What was acknowledged arrives, unchanged and at its recipients alone; what was not, at most once."""

import re
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from tests.faults.history import Call, Outcome, StreamEvent
from tests.faults.invariants.violation import Violation
from tests.faults.view import Message, Reading, Send, View, token_of

TOKEN = re.compile(r"tok:(\w+):")


def token(realm: str, client: str, number: int) -> str:
    """Return the token of a client's message: it says which realm it must not leave."""
    return f"tok:{realm}:{client}:{number}"


def all_arrive(view: View) -> Iterator[Violation]:
    """(1) Every message that was acknowledged is received by each of its recipients."""
    received: dict[str, set[str]] = defaultdict(set)
    for reading in view.readings():
        received[reading.session].update(map(token_of, reading.messages))
    for send in view.sends.values():
        for recipient in send.recipients:
            if send.outcome is Outcome.OK and send.token not in received[recipient]:
                yield Violation("lost", f"{_named(view, send)} never reached {view.name_of(recipient)}")


def every_inbox_is_read(view: View) -> Iterator[Violation]:
    """Without the final reading of an inbox nothing can be said of it."""
    for session in view.members.keys() - view.inboxes.keys():
        yield Violation("unread_inbox", f"the inbox of {view.name_of(session)} could not be read at the end")


def none_elsewhere(view: View) -> Iterator[Violation]:
    """(1) A message is shown to its recipients alone, and as it was sent."""
    for reading in view.readings():
        for message in reading.messages:
            yield from _misplaced(view, reading, message)


def _misplaced(view: View, reading: Reading, message: Message) -> Iterator[Violation]:
    if message["category"] == "grant":
        return
    where = f"{message['id']} in {reading.source} for {view.name_of(reading.session)}"
    send = view.sends.get(token_of(message))
    if send is None:
        yield Violation("unsent", f"{where}: nobody sent {message['payload']!r}")
        return
    if reading.session not in send.recipients:
        yield Violation("misdelivered", f"{where}: {_named(view, send)} was not sent to it")
    if (message["category"], message["payload"]) != send.envelope or message["from"] != send.sender:
        yield Violation("altered", f"{where}: {message!r} is not what was sent as {send.envelope!r}")
    if send.message_ids and message["id"] not in send.message_ids:
        yield Violation("other_id", f"{where}: acknowledged as {send.message_ids}")


def once_or_never(view: View) -> Iterator[Violation]:
    """(4) A send is once in an inbox if acknowledged, never if refused, else once or never: in all alike."""
    for send in view.sends.values():
        recipients = [each for each in send.recipients if each in view.inboxes]
        counts = {view.name_of(each): len(view.placed[each].get(send.token, [])) for each in recipients}
        allowed = {Outcome.OK: {1}, Outcome.REFUSED: {0}, Outcome.MAYBE: {0, 1}}[send.outcome]
        for name, count in counts.items():
            if count not in allowed:
                what = "lost" if count < min(allowed) else "duplicate" if count > 1 else "refused_but_done"
                yield Violation(what, f"{_named(view, send)} ({send.outcome}) is {count} times with {name}")
        if len(set(counts.values())) > 1:
            yield Violation("not_all_or_none", f"{_named(view, send)}: {counts}")
        if len(send.message_ids) > 1:
            yield Violation("several_ids", f"{_named(view, send)} was acknowledged as {send.message_ids}")


def every_retry_settles(view: View) -> Iterator[Violation]:
    """Who goes on asking with an Idempotency-Key gets a definite answer once everything is healed."""
    for send in view.sends.values():
        if send.idempotent and not send.settled:
            last = send.tries[-1]
            yield Violation("unsettled", f"{_named(view, send)}: {len(send.tries)} tries, last {last}")


def realms_are_apart(view: View) -> Iterator[Violation]:
    """(7) A token of one realm appears in no answer and on no stream of another."""
    for record in view.history.records:
        match record:
            case Call():
                session, shown = record.session, record.answer
            case StreamEvent():
                session, shown = view.connections[record.connection].opened.session, record.data
            case _:
                continue
        realms = set(TOKEN.findall(msgspec.json.encode(shown).decode()))
        if session in view.members and realms - {view.realm_of(session)}:
            yield Violation("other_realm", f"{view.name_of(session)} was shown tokens of {realms}: {shown!r}")


def _named(view: View, send: Send) -> str:
    return f"{send.token} from {view.name_of(send.sender)}"
