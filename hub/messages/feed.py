"""The feed: inboxes read by number, for streams.

A stream knows the number up to which it has sent and asks for what lies beyond, so that nothing depends
on wake-ups arriving, and many streams are served by one query.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce, Now

from hub.messages.bodies import received_answer
from hub.messages.inbox import INBOX_START
from hub.messages.models import Delivery, DeliveryQuerySet, Inbox
from hub.wire import compact


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """A message as a stream sends it: its inbox's number, its id, and its JSON on one line."""

    seq: int
    message_id: str
    data: bytes


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
        newest = Inbox.objects.filter(realm_id=realm_id, pk=session_id).values_list("seq", flat=True).first()
        return Start(after=0, unread_up_to=newest or 0)
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
    """Return the next messages of an inbox beyond number `after`, in order."""
    beyond = Delivery.objects.in_inbox(realm_id, session_id).filter(seq__gt=after)
    if after < unread_up_to:
        beyond = beyond.filter(Q(read_at=None) | Q(seq__gt=unread_up_to))
    return _events(beyond.order_by("seq"), limit)


def read_many(cursors: Mapping[str, int], *, limit: int) -> dict[str, list[FeedEvent]]:
    """Return the next messages of several inboxes, each beyond its number, at most `limit` in all."""
    wanted = Q()
    for session_id, after in cursors.items():
        wanted |= Q(recipient_id=session_id, seq__gt=after)
    found: dict[str, list[FeedEvent]] = {}
    deliveries = Delivery.objects.filter(wanted).held().select_related("message")
    for delivery in deliveries.order_by("recipient_id", "seq")[:limit]:
        found.setdefault(delivery.recipient_id, []).append(_event(delivery))
    return found


def newest_numbers(session_ids: Collection[str]) -> dict[str, int]:
    """Return each inbox's newest number; a session without an inbox is deregistered."""
    return dict(Inbox.objects.filter(pk__in=session_ids).values_list("pk", "seq"))


def mark_sent(sent: Mapping[str, Collection[int]]) -> None:
    """Mark as read what streams have sent, by inbox."""
    with transaction.atomic():
        inboxes = list(Inbox.objects.select_for_update().filter(pk__in=sent).order_by("pk"))
        if not inboxes:
            return
        chosen = Q()
        for inbox in inboxes:
            chosen |= Q(recipient_id=inbox.pk, seq__in=sent[inbox.pk])
        unread = Delivery.objects.filter(chosen, read_at=None)
        counts = dict(unread.order_by().values_list("recipient_id").annotate(Count("seq")))
        unread.update(read_at=Now(), delivered_at=Coalesce("delivered_at", Now()))
        for session_id, count in counts.items():
            Inbox.objects.filter(pk=session_id).update(unread=F("unread") - count)


def _events(deliveries: DeliveryQuerySet, limit: int) -> list[FeedEvent]:
    return [_event(delivery) for delivery in deliveries.select_related("message")[:limit]]


def _event(delivery: Delivery) -> FeedEvent:
    data: bytes = compact(received_answer(delivery.message))
    return FeedEvent(seq=delivery.seq, message_id=delivery.message_id, data=data)
