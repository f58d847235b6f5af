"""Messages: send, and follow up.

Sending exists twice, as polling does (`hub.messages.reading`): here as plain Django, which every database
runs and a reader reads first, and in `statements` as one statement for PostgreSQL. The statement does the
whole of it or nothing; where it does nothing, the plain form says why.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection, transaction

from hub.bell import bell
from hub.grants.models import Grant
from hub.idempotency.rules import Attempt
from hub.messages import statements
from hub.messages.bodies import Envelope, MessageStatus, RecipientStatus
from hub.messages.envelope import DELEGATE, check_signature, outgoing_of
from hub.messages.feed_event import CARRIED_BYTES, FeedEvent, event_data
from hub.messages.inbox import Outgoing, inbox_full, lock_inboxes, post
from hub.messages.models import Delivery, Inbox, Message
from hub.messages.pings import completes_ping
from hub.messages.statements import Posted
from hub.sessions.acting import Caller, own_session
from hub.sessions.models import Session
from hub.wire import rfc3339
from realms.refusal import Refusal, listed

PONG = "pong"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the hub has taken."""

    message_id: str
    delivered: bool


def send_message(*, caller: Caller, envelope: Envelope, written: bytes) -> Sent:
    """Send an envelope to all its recipients or to none.

    Args:
        written: the envelope as strict JSON, as the sender wrote it.

    Raises:
        Refusal: what `outgoing_of` and `check_signature` raise, and `session_not_owned`,
            `recipient_not_found`, `grant_required`, `inbox_full`, `ping_not_waiting`.
    """
    outgoing = _checked(caller, envelope, written)
    if outgoing.category == PONG and completes_ping(outgoing):
        return Sent(outgoing.id, delivered=True)
    if connection.vendor == "postgresql":
        posted = statements.send(caller, outgoing)
        if posted is not None:
            return _sent(outgoing, posted)
    return send_plainly(caller, outgoing)


def send_and_keep(
    *,
    caller: Caller,
    envelope: Envelope,
    written: bytes,
    attempt: Attempt,
    answer: Callable[[Sent], bytes],
) -> bytes | None:
    """Send an envelope and keep its answer for the attempt that it is, in one statement.

    Returns:
        The answer; None if nothing was done, since it cannot be done so, is refused, or was done before.
    """
    if connection.vendor != "postgresql" or envelope.category == PONG:
        return None
    try:
        outgoing = _checked(caller, envelope, written)
    except Refusal:
        return None  # what was in order the first time, such as its expiry, may not be any more
    queued, delivered = (answer(Sent(outgoing.id, delivered)) for delivered in (False, True))
    posted = statements.send(caller, outgoing, statements.Keeping(attempt, queued, delivered))
    if posted is None:
        return None
    return delivered if _sent(outgoing, posted).delivered else queued


def _sent(outgoing: Outgoing, posted: Posted) -> Sent:
    """Tell of the message where a recipient has a stream open; nobody waits for the others."""
    if posted.numbers:
        news = news_of(outgoing, posted) if bell.has_listeners else dict.fromkeys(posted.numbers)
        transaction.on_commit(partial(bell.tell, news, elsewhere=posted.elsewhere))
    return Sent(outgoing.id, delivered=len(posted.numbers) == len(outgoing.recipients))


def news_of(outgoing: Outgoing, posted: Posted) -> Mapping[str, FeedEvent | None]:
    """Return what a look at each inbox with a stream would find, by session; None if that is large."""
    if len(outgoing.payload.encode()) > CARRIED_BYTES:
        return dict.fromkeys(posted.numbers)
    data = event_data(outgoing.message(posted.sent_at))
    return {to: FeedEvent(to, seq, outgoing.id, data) for to, seq in posted.numbers.items()}


def _checked(caller: Caller, envelope: Envelope, written: bytes) -> Outgoing:
    """Return what to send, after the checks that need no lock. The sender of a pong is the caller's."""
    outgoing = outgoing_of(caller, envelope, written)
    if not caller.may_act_as(str(outgoing.sender_id)):
        raise Refusal("session_not_owned", "A token sends as its own session alone; `from` names another.")
    if envelope.sig is not None or outgoing.category == PONG:
        sender = own_session(caller, str(outgoing.sender_id))
        check_signature(sender, envelope, written)
    return outgoing


def send_plainly(caller: Caller, outgoing: Outgoing) -> Sent:
    """Send in one transaction of plain queries; raises as `send_message` does."""
    sender = own_session(caller, str(outgoing.sender_id))
    with transaction.atomic():
        inboxes = lock_inboxes(outgoing.realm_id, outgoing.recipients)
        _refuse_unknown(outgoing, inboxes)
        if outgoing.category == DELEGATE:
            _refuse_ungranted(sender, outgoing)
        _refuse_full(caller, outgoing, inboxes)
        delivered = post(outgoing, inboxes)
    return Sent(outgoing.id, delivered)


def _pointer(outgoing: Outgoing, recipient: str) -> str:
    return "/to" if len(outgoing.recipients) == 1 else f"/to/{outgoing.recipients.index(recipient)}"


def _named(outgoing: Outgoing, recipients: list[str]) -> dict[str, Any]:
    """Return what of a refusal names the recipients that it is about."""
    errors = [{"pointer": _pointer(outgoing, to), "detail": to} for to in recipients]
    return {"errors": errors, "members": {"recipients": recipients}}


def _refuse_unknown(outgoing: Outgoing, inboxes: list[Inbox]) -> None:
    known = {inbox.session_id for inbox in inboxes}
    if unknown := [to for to in outgoing.recipients if to not in known]:
        detail = f"Not a session of this realm: {listed(unknown)}. Nothing was sent."
        raise Refusal("recipient_not_found", detail, **_named(outgoing, unknown))


def _refuse_ungranted(sender: Session, outgoing: Outgoing) -> None:
    """A delegate needs each recipient's declaration and its grant; a session needs none of its own."""
    others = [to for to in outgoing.recipients if to != sender.pk]
    sessions = Session.objects.in_realm(outgoing.realm_id).filter(pk__in=others)
    declared = set(sessions.filter(capabilities__declares=outgoing.capability).values_list("pk", flat=True))
    grants = Grant.objects.in_realm(outgoing.realm_id).active()
    granted = set(
        grants.filter(requester=sender, grantor__in=others, capability=outgoing.capability).values_list(
            "grantor_id", flat=True
        )
    )
    if missing := [to for to in others if to not in declared & granted]:
        detail = (
            f"No active {outgoing.capability} grant from {listed(missing)}. Ask each with "
            f'POST /api/v1/grants {{"to": "{missing[0]}", "capability": "{outgoing.capability}"}}; '
            "it has to have declared the capability."
        )
        raise Refusal("grant_required", detail, **_named(outgoing, missing))


def _refuse_full(caller: Caller, outgoing: Outgoing, inboxes: list[Inbox]) -> None:
    full = {inbox.session_id for inbox in inboxes if inbox.unread >= caller.key.inbox_limit}
    if recipients := [to for to in outgoing.recipients if to in full]:
        detail = f"No room in the inbox of {listed(recipients)}. Nothing was sent."
        raise inbox_full(detail, **_named(outgoing, recipients))


def message_status(*, session: Session, message_id: str) -> MessageStatus:
    """Return how far a message came, for its sender.

    Raises:
        Refusal: `message_not_found`.
    """
    message = Message.objects.in_realm(session.realm_id).filter(pk=message_id, sender=session).first()
    if message is None:
        raise Refusal("message_not_found")
    deliveries = {delivery.recipient_id: delivery for delivery in message.deliveries.all()}
    return MessageStatus(
        id=message.pk,
        from_=session.pk,
        category=message.category,
        sent_at=rfc3339(message.sent_at),
        recipients=[recipient_status(to, deliveries.get(to)) for to in message.recipients],
    )


def recipient_status(to: str, delivery: Delivery | None) -> RecipientStatus:
    """Return how far a message came at the session `to`, whose inbox may hold it no more."""
    if delivery is None:
        return RecipientStatus(to=to, status="discarded", delivered_at=None, read_at=None)
    status = "read" if delivery.read_at else "delivered" if delivery.delivered_at else "queued"
    return RecipientStatus(
        to=to,
        status=status,
        delivered_at=rfc3339(delivery.delivered_at) if delivery.delivered_at else None,
        read_at=rfc3339(delivery.read_at) if delivery.read_at else None,
    )
