"""Inboxes: lock, post, mark as read. What sends or reads a message goes through here.

An inbox is locked by its row, several in the order of their ids. A message's number is taken under the
lock and kept until the commit, so that the order of numbers is the order of commits. Who also holds rows
of sessions or grants locks those first: session, grants, inboxes, in this order everywhere.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Now

from hub.bell import bell
from hub.messages.models import Delivery, DeliveryQuerySet, Inbox, Message
from hub.page_bytes import PAGE_BYTES
from hub.prepared import PreparedQuery, PreparedUpdate
from hub.sessions.presence import connected
from realms.ids import MESSAGE, REALM, SESSION, new_id, uuid_of
from realms.refusal import Refusal
from realms.spans import Moment

FULL_RETRY_SECONDS = 30
# The id that stands before all of an inbox: what a client resumes from that has no id yet.
INBOX_START = f"{MESSAGE}_{'0' * 26}"


@dataclass(slots=True)
class Outgoing:
    """A message on its way.

    Attributes:
        sender_id: None for the hub itself.
        payload: compact JSON.
        envelope: of a signed message, its members without the payload as the sender wrote them; else "".
    """

    realm_id: str
    sender_id: str | None
    recipients: list[str]
    category: str
    payload: str
    envelope: str = ""
    reply_to: str | None = None
    capability: str = ""
    expires_at: datetime | None = None
    id: str = field(default_factory=partial(new_id, MESSAGE))

    def message(self, sent_at: Any) -> Message:
        """Return the row of it."""
        return Message(
            id=self.id,
            realm_id=self.realm_id,
            sender_id=self.sender_id,
            recipients=self.recipients,
            category=self.category,
            payload=self.payload,
            envelope=self.envelope,
            reply_to=uuid_of(self.reply_to) if self.reply_to else None,
            capability=self.capability,
            sent_at=sent_at,
            expires_at=self.expires_at,
        )


@dataclass(frozen=True, slots=True)
class Filters:
    """Which messages of an inbox: of a `category`, sent at or after `since`, a page of at most `limit`.

    Attributes:
        page_bytes: where a page ends that has a message at least.
    """

    limit: int
    category: str | None = None
    since: datetime | None = None
    page_bytes: int = PAGE_BYTES

    @property
    def take_all(self) -> bool:
        """Whether every message matches."""
        return self.category is None and self.since is None

    def matching(self, deliveries: DeliveryQuerySet) -> DeliveryQuerySet:
        """Keep what matches."""
        if self.category is not None:
            deliveries = deliveries.filter(message__category=self.category)
        if self.since is not None:
            deliveries = deliveries.filter(message__sent_at__gte=self.since)
        return deliveries


def _inbox(realm_id: str, session_id: str) -> QuerySet[Inbox]:
    return Inbox.objects.filter(realm_id=realm_id, session_id=session_id)


_IDS = {"realm_id": REALM, "session_id": SESSION}
_lock_inbox = PreparedQuery(lambda **ids: _inbox(**ids).select_for_update(), ids=_IDS)
_count_message = PreparedUpdate(_inbox, {"seq": F("seq") + 1, "unread": F("unread") + 1}, ids=_IDS)


def lock_inboxes(realm_id: str, session_ids: Collection[str]) -> list[Inbox]:
    """Lock the inboxes of live sessions of the realm until the commit; ids without one are left out."""
    if len(session_ids) == 1:
        [session_id] = session_ids
        return _lock_inbox(realm_id=realm_id, session_id=session_id)
    inboxes = Inbox.objects.select_for_update().filter(realm_id=realm_id, session_id__in=session_ids)
    return list(inboxes.order_by("session_id"))


def inbox_full(detail: str = "", **more: Any) -> Refusal:
    """Return the refusal of a message that an inbox has no room for; `more` as `Refusal` takes it."""
    return Refusal("inbox_full", detail, headers={"Retry-After": str(FULL_RETRY_SECONDS)}, **more)


def post(outgoing: Outgoing, inboxes: list[Inbox]) -> bool:
    """Put a message into locked inboxes and, after the commit, ring for those that have a stream open.

    Returns:
        Whether every recipient has a stream open.
    """
    ids = [inbox.session_id for inbox in inboxes]
    streaming = connected(outgoing.realm_id, ids)
    message = outgoing.message(sent_at=Moment())
    message.save(force_insert=True)
    for inbox in inboxes:
        _count_message(realm_id=outgoing.realm_id, session_id=inbox.session_id)
        first_expiry = inbox.first_expiry_with(outgoing.expires_at)
        if first_expiry != inbox.first_expiry:
            _inbox(outgoing.realm_id, inbox.session_id).update(first_expiry=first_expiry)
    Delivery.objects.bulk_create(
        Delivery(
            recipient_id=inbox.session_id,
            seq=inbox.seq + 1,
            message=message,
            delivered_at=Now() if inbox.session_id in streaming else None,
        )
        for inbox in inboxes
    )
    ring_after_commit(list(streaming))
    return len(streaming) == len(ids)


def ring_after_commit(session_ids: list[str]) -> None:
    """Wake the streams of sessions once what was written can be read."""
    if session_ids:
        transaction.on_commit(partial(bell.ring, session_ids))


def post_notice(outgoing: Outgoing) -> None:
    """Put a message about control state into the inboxes that are still there, however full they are."""
    inboxes = lock_inboxes(outgoing.realm_id, outgoing.recipients)
    if inboxes:
        post(outgoing, inboxes)


def mark_read(inbox: Inbox, seqs: Collection[int]) -> int:
    """Mark messages of a locked inbox as read and return how many were not before."""
    unread = Delivery.objects.filter(recipient_id=inbox.session_id, seq__in=seqs, read_at=None)
    marked = unread.update(read_at=Now(), delivered_at=Coalesce("delivered_at", Now()))
    Inbox.objects.filter(realm_id=inbox.realm_id, pk=inbox.pk).update(unread=F("unread") - marked)
    return marked


def withdraw(inbox: Inbox, message_id: str) -> None:
    """Take a message that nobody read out of a locked inbox."""
    removed, _ = Delivery.objects.filter(
        recipient_id=inbox.session_id, message_id=message_id, read_at=None
    ).delete()
    Inbox.objects.filter(realm_id=inbox.realm_id, pk=inbox.pk).update(unread=F("unread") - removed)
