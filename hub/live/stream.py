"""The stream (`GET /messages/stream`): a poll that does not end, as Server-Sent Events.

The format is that of the WHATWG HTML standard, §9.2. The consumer first reads pages of the inbox until it
has caught up, then takes from the outlet's queue what the tailer puts there; a client that is too slow for
the queue falls back to reading pages.
"""

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import InterfaceError, OperationalError
from django.http import QueryDict
from django.utils import timezone

from hub import metrics
from hub.api import examples
from hub.api.credentials import admit
from hub.api.decode import decode_query
from hub.api.endpoint import Endpoint, NoQuery
from hub.api.event_stream import EVENT_STREAM
from hub.api.media_types import accepts
from hub.live import switchboard
from hub.live.consumer import LiveConsumer
from hub.live.database import in_database
from hub.live.outlet import Outlet
from hub.live.tailer import SHUTTING_DOWN, TOKEN_EXPIRED
from hub.messages import feed
from hub.messages.feed_event import FeedEvent
from hub.messages.inbox import INBOX_START
from hub.sessions.acting import SessionToken, acting_session
from hub.sessions.presence import open_stream
from realms.ids import MESSAGE, parse_id
from realms.refusal import Refusal, refusal_at

_DELIVERED = metrics.MESSAGES_DELIVERED.labels("stream")
CLIENT_LEFT = "client_left"
HEARTBEAT_SECONDS = (12.0, 15.0)  # not all of a crowd at once
PAGE_MESSAGES = 32
RETRY_SECONDS = (0.5, 1.5)
UNSEEN_SECONDS = 0.25
# Neither this nor the retry time is followed by a blank line, which some clients take for an empty event.
HEARTBEAT = b": still here\n"
# A random delay between these keeps a crowd from returning at once: each stream of the process adds to it.
RETRY_MILLISECONDS = (1_000, 5_000)
RETRY_MILLISECONDS_PER_STREAM = 2


@dataclass(frozen=True, slots=True)
class Opening:
    """A stream that may begin."""

    outlet: Outlet
    start: feed.Start
    token: SessionToken | None


class StreamConsumer(LiveConsumer):
    """Sends one session's messages for as long as it may."""

    method = "GET"
    route = "api/v1/messages/stream"
    is_stream = True
    endpoint = Endpoint(
        name="stream",
        summary="Stream the inbox",
        description=(
            "Server-Sent Events. Without an id: all unread messages, then each new one, marked as read when "
            "sent. With `Last-Event-ID` or `X-Last-Event-ID`: all after that message, read or not. What was "
            "sent on a connection that broke may not have arrived: a client that must miss nothing returns "
            f"with the last id it has, and with `{INBOX_START}` while it has none.\n\n"
            "Events: `message` (its `id` is the message's, its `data` the object that a poll returns), "
            "`reset` (the inbox does not hold the given id any more; everything that it holds follows), and "
            "`close` with a `reason` and whether to `reconnect`. A comment every 15 s keeps proxies open."
        ),
        answer=None,
        acts=True,
        refuses=("sse_required", "too_many_streams"),
        example=examples.STREAM,
    )

    async def answer(self) -> None:
        """Open the stream and keep it going."""
        if not accepts(self.exchange.headers.get("accept"), EVENT_STREAM):
            raise Refusal("sse_required", headers={"Upgrade": EVENT_STREAM, "Connection": "Upgrade"})
        opening = await self._opening()
        self.exchange.forget_headers()
        outlet, tailer = opening.outlet, switchboard.tailer()
        self.exchange.session_id = outlet.session_id
        self.exchange.open(lost=opening.start.lost, after=opening.start.after)
        tailer.add(outlet)
        metrics.STREAMS.inc()
        tailer.ring([outlet.session_id])
        # Who sends at this moment does not see yet that the stream is open, and will not ring.
        asyncio.get_running_loop().call_later(UNSEEN_SECONDS, tailer.ring, [outlet.session_id])
        try:
            await self.response.start(200, {"Content-Type": EVENT_STREAM, "X-Accel-Buffering": "no"})
            with _ending_with(opening.token, outlet):
                await self._write(_preamble(opening.start))
                await self._pump(outlet, opening.start.unread_up_to)
        finally:
            tailer.remove(outlet)
            outlet.hold.release()
            reason = outlet.closing or CLIENT_LEFT
            self.exchange.more = {"reason": reason, "messages": outlet.sent}
            metrics.STREAMS.dec()
            metrics.STREAM_ENDS.labels(reason).inc()

    async def _opening(self) -> Opening:
        """Open the stream; if the client leaves meanwhile, take back what the thread goes on to write."""
        task = asyncio.ensure_future(in_database(self._open))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_abandon)
            raise

    def _open(self) -> Opening:
        caller = admit(self.exchange)
        decode_query(QueryDict(self.scope["query_string"]), NoQuery)
        headers = self.exchange.headers
        seen = headers.get("last-event-id") or headers.get("x-last-event-id")
        last_event_id = None
        if seen and (last_event_id := parse_id(MESSAGE, seen)) is None:
            raise refusal_at("/Last-Event-ID", "Last-Event-ID is not a message id such as msg_01HX….")
        session = acting_session(caller)
        start = feed.start_of(session.realm_id, session.pk, last_event_id)
        tailer = switchboard.tailer()
        # Where the process ends, the stream is told so at once, and takes none of the session's places: a
        # client that comes back without waiting would soon have taken all.
        ends = tailer.draining
        outlet = Outlet(
            id=uuid.uuid4() if ends else open_stream(session=session, process_id=tailer.process_id).pk,
            realm_id=session.realm_id,
            session_id=session.pk,
            key_id=caller.key.key_id,
            secret_id=caller.key.secret_id,
            written=start.after,
            queued=start.after,
            # With only unread messages to send it reads by itself; else the tailer reads for many at once.
            behind=start.after < start.unread_up_to,
        )
        return Opening(outlet, start, caller.token)

    async def _pump(self, outlet: Outlet, unread_up_to: int) -> None:
        while outlet.closing is None:
            if outlet.behind:
                await self._catch_up(outlet, unread_up_to)
            elif queued := outlet.take():
                await self._send(outlet, queued)
            elif not await outlet.change(random.uniform(*HEARTBEAT_SECONDS)):  # noqa: S311  no secret
                await self._write(HEARTBEAT)
        await self._close(outlet.closing)

    async def _catch_up(self, outlet: Outlet, unread_up_to: int) -> None:
        """Send a page; after the last one take what the tailer brings."""
        try:
            page = await in_database(
                feed.read_page,
                outlet.realm_id,
                outlet.session_id,
                after=outlet.written,
                unread_up_to=unread_up_to,
                limit=PAGE_MESSAGES,
            )
            has_room = outlet.hold.fits(sum(len(event.data or b"") for event in page))
        except (OperationalError, InterfaceError):
            has_room = False
        if not has_room:  # or no database
            await self._write(HEARTBEAT)
            await asyncio.sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311  no secret
            return
        for event in page:
            await self._send(outlet, event)
        outlet.hold.release()
        if not page:
            outlet.go_live(at_least=unread_up_to)
            switchboard.tailer().ring([outlet.session_id])  # what came between that page and now

    async def _send(self, outlet: Outlet, event: FeedEvent) -> None:
        assert event.data is not None, "a large message is read alone, with its data"
        await self._write(b"event: message\nid: %b\ndata: %b\n\n" % (event.message_id.encode(), event.data))
        if outlet.rung is not None:
            metrics.BELL_TO_WRITE.observe(time.monotonic() - outlet.rung)
            outlet.rung = None
        _DELIVERED.inc()
        outlet.sent += 1
        outlet.written = event.seq
        switchboard.tailer().sent(outlet, event.seq)

    async def _write(self, chunk: bytes) -> None:
        await self.response.write(chunk, more=True)

    async def _close(self, reason: str) -> None:
        data = {"reason": reason, "reconnect": reason in (SHUTTING_DOWN, TOKEN_EXPIRED)}
        await self._write(_retry() + _event("close", data))
        await self.response.write(b"", more=False)


@contextlib.contextmanager
def _ending_with(token: SessionToken | None, outlet: Outlet) -> Iterator[None]:
    """Have a stream that a token opened end when the token does."""
    if token is None:
        yield
        return
    seconds = (token.expires_at - timezone.now()).total_seconds()
    timer = asyncio.get_running_loop().call_later(max(0.0, seconds), outlet.close, TOKEN_EXPIRED)
    try:
        yield
    finally:
        timer.cancel()


def _abandon(task: asyncio.Future[Opening]) -> None:
    if not task.cancelled() and task.exception() is None:
        switchboard.tailer().remove(task.result().outlet)


def _preamble(start: feed.Start) -> bytes:
    if not start.lost:
        return _retry()
    reason = "The inbox does not hold the given message any more; all that it holds follows."
    return _retry() + _event("reset", {"reason": reason, "oldest": start.oldest})


def _retry() -> bytes:
    least, most = RETRY_MILLISECONDS
    most = max(most, RETRY_MILLISECONDS_PER_STREAM * len(switchboard.tailer().outlets))
    return b"retry: %d\n" % random.randint(least, most)  # noqa: S311  no secret


def _event(name: str, data: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))
