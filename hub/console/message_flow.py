"""The flow of a realm's messages, newest first, by their metadata alone.

No query here reads a payload or a signed envelope: `octet_length` knows the size of a text that PostgreSQL
keeps apart from its row (TOAST) without fetching it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from hub.console.listing import ROWS, Listing
from hub.messages.models import HUB, Delivery, Message
from hub.page_bytes import OctetLength
from hub.sessions.models import Session
from realms.ids import MESSAGE, parse_id
from realms.refusal import Refusal, refusal_at
from realms.spans import Written

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR_DIGITS = 16  # microseconds until the year 2286, and more messages than an inbox ever numbers

READ, DELIVERED, QUEUED, DISCARDED = "read", "delivered", "queued", "discarded"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages.

    Attributes:
        sender: a session, or `HUB` for the hub itself.
        recipient: the session whose inbox holds them.
    """

    category: str = ""
    sender: Session | str | None = None
    recipient: Session | None = None

    def of(self, path: str = "") -> Q:
        """Return the condition on category and sender of the message at `path`."""
        wanted = Q()
        if self.category:
            wanted &= Q(**{f"{path}category": self.category})
        if self.sender is not None:
            wanted &= Q(**{f"{path}sender": None if self.sender == HUB else self.sender})
        return wanted


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message in the list.

    Attributes:
        recipient: the only one; None if there are several.
        state: how far it came, in words.
    """

    message: Message
    recipient: Session | None
    state: str


def metadata(realm_id: str) -> QuerySet[Any]:
    """Return a realm's messages without what they say, with `size` and `envelope_size` in bytes."""
    messages = Message.objects.in_realm(realm_id).select_related("sender")
    return messages.defer("payload", "envelope", "sender__manifest").annotate(
        size=OctetLength("payload"), envelope_size=OctetLength("envelope")
    )


def flow(realm_id: str, wanted: Wanted, before: str | None) -> Listing[Message]:
    """Return a page of messages.

    Args:
        before: where the page begins, as the page before it says.

    Raises:
        Refusal: `invalid_request`, where `before` is no such place.
    """
    if wanted.recipient is not None:
        return _received(realm_id, wanted, wanted.recipient, before)
    messages = metadata(realm_id).filter(wanted.of())
    if before is not None:
        moment, newest = _place(before)
        sent_at = Written(moment)
        earlier = Q(sent_at__lt=sent_at) | Q(sent_at=sent_at, pk__lt=newest)
        messages = messages.filter(earlier, sent_at__lte=sent_at)
    page = list(messages.order_by("-sent_at", "-pk")[: ROWS + 1])
    older = _place_of(page[ROWS - 1]) if len(page) > ROWS else None
    return Listing(page[:ROWS], older, before is None)


def _received(realm_id: str, wanted: Wanted, recipient: Session, before: str | None) -> Listing[Message]:
    """Return a page of what an inbox holds, in the order of its numbers."""
    held = Delivery.objects.filter(wanted.of("message__"), recipient=recipient, message__realm=realm_id)
    if before is not None:
        if not (before.isascii() and before.isdigit() and len(before) <= CURSOR_DIGITS):
            raise _no_place(before)
        held = held.filter(seq__lt=int(before))
    found = list(held.order_by("-seq").values_list("seq", "message_id")[: ROWS + 1])
    messages = metadata(realm_id).in_bulk([message_id for _, message_id in found[:ROWS]])
    page = [messages[message_id] for _, message_id in found[:ROWS] if message_id in messages]
    return Listing(page, str(found[ROWS - 1][0]) if len(found) > ROWS else None, before is None)


def _place_of(message: Message) -> str:
    return f"{(message.sent_at - EPOCH) // MICROSECOND}.{message.pk}"


def _place(before: str) -> tuple[datetime, str]:
    digits, _, named = before.partition(".")
    newest = parse_id(MESSAGE, named)
    if newest is None or not (digits.isascii() and digits.isdigit() and len(digits) <= CURSOR_DIGITS):
        raise _no_place(before)
    return EPOCH + int(digits) * MICROSECOND, newest


def _no_place(before: str) -> Refusal:
    return refusal_at("/before", f"“{before[:80]}” is not where a page of this list begins.")


def rows_of(realm_id: str, messages: list[Message]) -> list[MessageRow]:
    """Return what the list shows of each message, after one query for recipients and one for states."""
    alone = [message.recipients[0] for message in messages if len(message.recipients) == 1]
    recipients = sessions_named(realm_id, alone)
    deliveries = Delivery.objects.filter(message__in=[each.pk for each in messages])
    counts = deliveries.values("message").annotate(
        held=Count("seq"),
        delivered=Count("seq", filter=Q(delivered_at__isnull=False)),
        read=Count("seq", filter=Q(read_at__isnull=False)),
    )
    came = {
        message_id: (held, delivered, read)
        for message_id, held, delivered, read in counts.values_list("message", "held", "delivered", "read")
    }
    return [
        MessageRow(
            message,
            recipients.get(message.recipients[0]) if len(message.recipients) == 1 else None,
            state_of(len(message.recipients), *came.get(message.pk, (0, 0, 0))),
        )
        for message in messages
    ]


def sessions_named(realm_id: str, ids: list[str]) -> dict[str, Session]:
    """Return sessions of a realm by their ids, without their manifests."""
    return Session.objects.ever_in_realm(realm_id).defer("manifest").in_bulk(ids)


def state_of(recipients: int, held: int, delivered: int, read: int) -> str:
    """Say how far a message came: in one word if equally far everywhere, else how many of how many.

    Args:
        held: how many inboxes hold it; `delivered` and `read`: of those, a read one being delivered too.
    """
    if not held:
        return DISCARDED
    for count, state in ((read, READ), (delivered, DELIVERED)):
        if count:
            return state if count == recipients else f"{count} of {recipients} {state}"
    return QUEUED if held == recipients else f"{held} of {recipients} {QUEUED}"
