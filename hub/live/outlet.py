"""Outlet: what the tailer and a stream's consumer share, a bounded queue with a place in the inbox."""

import asyncio
import uuid
from dataclasses import dataclass, field

from hub.api.room import Hold
from hub.api.unread_answers import ANSWERS
from hub.messages.feed_event import FeedEvent

QUEUE_BYTES = 256 * 1024


@dataclass(eq=False, slots=True)
class Outlet:
    """The sending end of one stream.

    Attributes:
        id: of its `OpenStream` row.
        realm_id: of its session.
        key_id: the API key that it was opened with, itself or by a token of its session.
        secret_id: the secret of it that was presented; None for a token.
        written: number of the last message written to the socket.
        queued: number of the last message in the queue, or `written`.
        behind: it reads pages from the database by itself and takes nothing from the tailer.
        closing: why it has to end; None while it lives.
        hold: the room of its key that the queue takes, or the page that is sent.
    """

    id: uuid.UUID
    realm_id: str
    session_id: str
    key_id: str
    secret_id: int | None
    written: int
    queued: int = 0
    behind: bool = True
    closing: str | None = None
    # Of the thousands hardly one has anything in it, and an empty deque takes ten times as much.
    queue: list[FeedEvent] = field(default_factory=list)
    queue_bytes: int = 0
    sent: int = 0  # messages
    rung: float | None = None  # when the process heard of what was queued first
    hold: Hold = field(init=False)
    _waiter: asyncio.Future[None] | None = None

    def __post_init__(self) -> None:
        self.hold = ANSWERS.hold(self.key_id)

    def catch_up(self) -> None:
        """Drop the queue and read on from the database: for a slow client, or a large message."""
        self.behind = True
        self.queue.clear()
        self.rung = None
        self.queue_bytes = 0
        self.hold.release()
        self._wake()

    def go_live(self, at_least: int) -> None:
        """Take messages from the tailer from now on; nothing up to number `at_least` is wanted."""
        self.written = self.queued = max(self.written, at_least)
        self.behind = False

    def offer(self, events: list[FeedEvent], *, rung: float | None = None) -> None:
        """Queue the events that are new here, of which the process heard at this monotonic time."""
        for event in events:
            if self.behind or event.seq <= self.queued:
                continue
            if event.data is None or not self._takes(len(event.data)):
                self.catch_up()
                return
            if not self.queue:
                self.rung = rung
            self.queue.append(event)
            self.queued = event.seq
        self._wake()

    def _takes(self, more: int) -> bool:
        """Make room for so many bytes in the queue; return whether there is."""
        size = self.queue_bytes + more
        if size > QUEUE_BYTES or not self.hold.fits(size):
            return False
        self.queue_bytes = size
        return True

    def take(self) -> FeedEvent | None:
        """Return the next queued event."""
        if not self.queue:
            return None
        event = self.queue.pop(0)
        self.queue_bytes -= len(event.data or b"")
        self.hold.fits(self.queue_bytes)
        return event

    def close(self, reason: str) -> None:
        """Have the stream end and tell its client why."""
        self.closing = self.closing or reason
        self._wake()

    async def change(self, seconds: float) -> bool:
        """Wait until there is something to do; False if there was nothing for so long.

        For a consumer that found nothing to do just now, with no await in between. (An `asyncio.Event` would
        keep what comes in between too, at a twentieth of all that a stream costs.)
        """
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._waiter
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
