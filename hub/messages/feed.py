"""The feed: inboxes read by number, for streams.

A stream knows the number up to which it has sent and asks for what lies beyond, so that nothing depends
on wake-ups arriving, and many streams are served by one query.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Count, F, Q, When, Window
from django.db.models.functions import Coalesce, Now, RowNumber
from django.db.models.lookups import LessThanOrEqual

from hub.messages import statements
from hub.messages.feed_event import CARRIED_BYTES, FeedEvent, event_data
from hub.messages.inbox import INBOX_START
from hub.messages.models import Delivery, DeliveryQuerySet, Inbox, Message
from hub.page_bytes import OctetLength

ANY_BYTES = 2**31 - 1  # more than a text may have


@dataclass(frozen=True, slots=True)
class Start:
    """Where a stream begins.

    Attributes:
        after: number of the last message that the client has.
        unread_up_to: up to this number only unread messages are sent; beyond it, all.
        lost: the client named a message that the inbox does not hold (any more).
        oldest: id of the oldest message still held, if `lost`.
    """

    after: int
    unread_up_to: int
    lost: bool = False
    oldest: str | None = None


def start_of(realm_id: str, session_id: str, last_event_id: str | None) -> Start:
    """Find where a stream begins that opens now, having seen `last_event_id` or nothing."""
    if last_event_id is None:
        inbox = Inbox.objects.filter(realm_id=realm_id, pk=session_id).values_list("seq", "unread").first()
        newest, unread = inbox or (0, 0)
        return Start(after=0, unread_up_to=newest) if unread else Start(after=newest, unread_up_to=newest)
    if last_event_id == INBOX_START:
        return Start(after=0, unread_up_to=0)
    held = Delivery.objects.in_inbox(realm_id, session_id)
    seen = held.filter(message_id=last_event_id).first()
    if seen is not None:
        return Start(after=seen.seq, unread_up_to=0)
    oldest = held.order_by("seq").first()
    return Start(after=0, unread_up_to=0, lost=True, oldest=oldest.message_id if oldest else None)


def read_page(
    realm_id: str, session_id: str, *, after: int, unread_up_to: int, limit: int
) -> list[FeedEvent]:
    """Return the next messages of an inbox beyond number `after`, in order: up to another one, unread ones.

    Up to `limit` small ones, or one large one, so that a page stays within bounds.
    """
    where = {"realm_id": realm_id, "session_id": session_id, "after": after, "unread_up_to": unread_up_to}
    page = _page(**where, limit=limit, carried_bytes=CARRIED_BYTES)
    small = list(takewhile(lambda event: event.data is not None, page))
    return small if small or not page else _page(**where, limit=1, carried_bytes=ANY_BYTES)


def _page(**which: Any) -> list[FeedEvent]:
    if connection.vendor == "postgresql":
        return [_event(*found) for found in statements.read_page(**which)]
    return read_page_plainly(**which)


def read_page_plainly(
    realm_id: str, session_id: str, *, after: int, unread_up_to: int, limit: int, carried_bytes: int
) -> list[FeedEvent]:
    """Return a page with a plain query, without the data of messages that are larger than that."""
    beyond = Delivery.objects.in_inbox(realm_id, session_id).filter(seq__gt=after)
    if after < unread_up_to:
        beyond = beyond.filter(read_at=None, seq__lte=unread_up_to)
    return _events(beyond.order_by("seq")[:limit], carried_bytes)


def read_many(cursors: Mapping[str, int], *, each: int) -> dict[str, list[FeedEvent]]:
    """Return the next messages of several inboxes beyond a number of each, at most `each` of each."""
    if connection.vendor == "postgresql":
        rows = statements.read_many(cursors, each=each, carried_bytes=CARRIED_BYTES)
        events = [_event(*row) for row in rows]
    else:
        events = read_many_plainly(cursors, each=each)
    found: dict[str, list[FeedEvent]] = {}
    for event in events:
        found.setdefault(event.session_id, []).append(event)
    return found


def read_many_plainly(cursors: Mapping[str, int], *, each: int) -> list[FeedEvent]:
    """Return the same with a plain query, by session and number."""
    wanted = Q()
    for session_id, after in cursors.items():
        wanted |= Q(recipient_id=session_id, seq__gt=after)
    place = Window(RowNumber(), partition_by="recipient_id", order_by="seq")
    found = Delivery.objects.filter(wanted).held().annotate(place=place).filter(place__lte=each)
    return _events(found.order_by("recipient_id", "seq"), CARRIED_BYTES)


def newest_numbers(session_ids: Collection[str]) -> dict[str, int]:
    """Return each inbox's newest number; a session without an inbox is deregistered."""
    return dict(Inbox.objects.filter(pk__in=session_ids).values_list("pk", "seq"))


def mark_sent(sent: Mapping[str, Collection[int]]) -> None:
    """Mark as read what streams have sent, by inbox."""
    if connection.vendor == "postgresql":
        statements.mark_sent(sent)
    else:
        mark_sent_plainly(sent)


def mark_sent_plainly(sent: Mapping[str, Collection[int]]) -> None:
    """Do the same in one transaction of plain queries."""
    with transaction.atomic():
        inboxes = list(Inbox.objects.select_for_update().filter(pk__in=sent).order_by("pk"))
        numbers = [(inbox.pk, seq) for inbox in inboxes for seq in sent[inbox.pk]]
        if not numbers:
            return
        unread = Delivery.objects.filter(pk__in=numbers, read_at=None)
        alike: dict[int, list[str]] = defaultdict(list)  # by how many of an inbox were unread
        for session_id, count in unread.order_by().values_list("recipient_id").annotate(Count("seq")):
            alike[count].append(session_id)
        unread.update(read_at=Now(), delivered_at=Coalesce("delivered_at", Now()))
        for count, session_ids in alike.items():
            Inbox.objects.filter(pk__in=session_ids).update(unread=F("unread") - count)


def _events(deliveries: DeliveryQuerySet, carried_bytes: int) -> list[FeedEvent]:
    """Return deliveries as events, larger messages without their data."""
    carried = Case(
        When(LessThanOrEqual(OctetLength("message__payload"), carried_bytes), then="message__payload")
    )
    events = []
    for delivery in deliveries.select_related("message").defer("message__payload").annotate(carried=carried):
        payload: str | None = vars(delivery)["carried"]
        delivery.message.payload = payload or ""
        events.append(_event(delivery.recipient_id, delivery.seq, delivery.message, payload is not None))
    return events


def _event(session_id: str, seq: int, message: Message, is_complete: bool = True) -> FeedEvent:
    data = event_data(message) if is_complete else None
    return FeedEvent(session_id, seq, message.pk, data)
