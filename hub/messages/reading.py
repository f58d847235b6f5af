"""Reading an inbox: poll, peek, read again, acknowledge.

Polling exists twice, as sending does (`hub.messages.rules`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection, transaction

from hub.messages import statements
from hub.messages.inbox import INBOX_START, Filters, lock_inboxes, mark_read
from hub.messages.models import Delivery, DeliveryQuerySet, Inbox, Message
from hub.page_bytes import OctetLength, fitting
from hub.sessions.acting import Caller, acting_session, named_session
from hub.sessions.models import Session
from realms.refusal import Refusal, listed


@dataclass(frozen=True, slots=True)
class Page:
    """Messages of an inbox, oldest first, and how many unread ones matched."""

    messages: list[Message]
    unread_count: int


def poll(*, caller: Caller, filters: Filters) -> Page:
    """Return unread messages and mark exactly those as read: each goes to one of many pollers.

    Raises:
        Refusal: what `acting_session` raises.
    """
    if connection.vendor == "postgresql":
        session_id = named_session(caller) or acting_session(caller).pk
        page = poll_by_statement(caller, session_id, filters) if caller.may_act_as(session_id) else None
        if page is not None:
            return page
    return poll_plainly(acting_session(caller), filters)


def poll_by_statement(caller: Caller, session_id: str, filters: Filters) -> Page | None:
    """Poll in one statement, and one more if what is left has to be counted; None if it does nothing."""
    found = statements.poll(caller, session_id, filters)
    if found is None:
        return None
    messages, unread = found
    if unread is None:
        unread = len(messages) + _unread(caller.realm_id, session_id, filters).count()
    return Page(messages, unread)


def poll_plainly(session: Session, filters: Filters) -> Page:
    """Poll in one transaction of plain queries."""
    with transaction.atomic():
        inboxes = lock_inboxes(session.realm_id, [session.pk])
        unread = _unread(session.realm_id, session.pk, filters)
        found, is_all = _page(unread, filters)
        count = len(found) if is_all else _unread_count(inboxes, filters, unread)
        for inbox in inboxes:
            mark_read(inbox, [delivery.seq for delivery in found])
    return Page([delivery.message for delivery in found], count)


def peek(*, session: Session, filters: Filters) -> Page:
    """Return unread messages and mark nothing."""
    unread = _unread(session.realm_id, session.pk, filters)
    found, is_all = _page(unread, filters)
    inboxes = Inbox.objects.filter(realm_id=session.realm_id, pk=session.pk)
    count = len(found) if is_all else _unread_count(inboxes, filters, unread)
    return Page([delivery.message for delivery in found], count)


def _page(deliveries: DeliveryQuerySet, filters: Filters) -> tuple[list[Delivery], bool]:
    """Return the first deliveries with their messages, and whether there are no others."""
    size = OctetLength("message__payload") + OctetLength("message__envelope")
    rows = list(deliveries.order_by("seq").values_list("seq", size)[: filters.limit])
    count = fitting((size for _, size in rows), filters.page_bytes)
    found: list[Delivery] = []
    if rows:
        # Up to the last one that fits: others may take the place of those that somebody reads meanwhile.
        chosen = deliveries.filter(seq__lte=rows[count - 1][0])
        found = list(chosen.select_related("message").order_by("seq")[:count])
    return found, len(rows) < filters.limit and len(rows) == count


def _unread(realm_id: str, session_id: str, filters: Filters) -> DeliveryQuerySet:
    return filters.matching(Delivery.objects.in_inbox(realm_id, session_id).filter(read_at=None))


def _unread_count(inboxes: Iterable[Inbox], filters: Filters, unread: DeliveryQuerySet) -> int:
    """Return how many unread messages match; they are counted only if the inbox does not tell."""
    told = [inbox.unread for inbox in inboxes if inbox.holds_all] if filters.take_all else []
    return told[0] if told else unread.count()


def read_after(*, session: Session, message_id: str, filters: Filters, mark: bool) -> Page:
    """Return what came after a message, read or not, marking it as read if `mark`.

    Raises:
        Refusal: `message_not_found`, if the inbox does not hold the message (any more).
    """
    with transaction.atomic():
        inboxes = lock_inboxes(session.realm_id, [session.pk])
        held = Delivery.objects.in_inbox(session.realm_id, session.pk)
        if message_id == INBOX_START:
            later = filters.matching(held)
        elif (after := held.filter(message_id=message_id).first()) is not None:
            later = filters.matching(held.filter(seq__gt=after.seq))
        else:
            oldest = held.order_by("seq").first()
            raise Refusal(
                "message_not_found",
                "The inbox does not hold the message that `after` names (any more). Everything that it "
                f"holds comes after {INBOX_START}.",
                members={"oldest": oldest.message_id if oldest else None},
            )
        found, _ = _page(later, filters)
        unread = later.filter(read_at=None).count()
        for inbox in inboxes if mark else []:
            mark_read(inbox, [delivery.seq for delivery in found])
    return Page([delivery.message for delivery in found], unread)


def acknowledge(*, session: Session, ids: list[str] | None, up_to: str | None) -> int:
    """Mark messages as read: those of `ids`, or all up to and including `up_to`; return how many were not.

    Raises:
        Refusal: `message_not_found`; then nothing is marked.
    """
    named = ids if ids is not None else [str(up_to)]
    with transaction.atomic():
        inboxes = lock_inboxes(session.realm_id, [session.pk])
        mine = Delivery.objects.filter(recipient=session)
        seqs = dict(mine.filter(message_id__in=named).values_list("message_id", "seq"))
        if missing := [name for name in named if name not in seqs]:
            errors = [
                {"pointer": f"/ids/{named.index(name)}" if ids else "/up_to", "detail": name}
                for name in missing
            ]
            detail = f"Not in the inbox of {session.pk}: {listed(missing)}."
            raise Refusal("message_not_found", detail, errors=errors)
        chosen = list(seqs.values())
        if up_to is not None:
            unread = mine.filter(seq__lte=chosen[0], read_at=None)
            chosen = list(unread.values_list("seq", flat=True))
        return sum(mark_read(inbox, chosen) for inbox in inboxes)
