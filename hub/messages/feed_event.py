"""A message as streams send it."""

from dataclasses import dataclass

from hub.messages.bodies import received_answer
from hub.messages.models import Message
from hub.wire import compact

# Of a payload that is read or told of together with others; a larger one the stream reads alone.
CARRIED_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """A message as a stream sends it.

    Attributes:
        session_id: whose inbox it is in, under the number `seq`.
        data: its JSON on one line; None if it is too large to be carried along with others.
    """

    session_id: str
    seq: int
    message_id: str
    data: bytes | None


def event_data(message: Message) -> bytes:
    """Return a message's JSON on one line."""
    return compact(received_answer(message))
