"""Messages: the viewset."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hub import metrics
from hub.activity.rules import MESSAGES, note
from hub.api import examples
from hub.api.decode import id_in_path
from hub.api.endpoint import Link, endpoint
from hub.api.pages import DEFAULT_LIMIT, Limit
from hub.api.viewset import HubViewSet
from hub.idempotency.rules import Attempt
from hub.messages import bodies, reading, rules
from hub.messages.inbox import INBOX_START, Filters
from hub.sessions.acting import Caller, acting_session, own_session
from hub.sessions.bodies import RealmSlug
from hub.wire import Instant, MessageId, compact
from realms.ids import MESSAGE, SESSION, parse_id
from realms.refusal import refusal_at

MessageFilter = Annotated[
    str, Meta(extra_json_schema={"enum": list(bodies.CATEGORIES)}, description="Only this category.")
]


class PollQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which messages to return."""

    category: MessageFilter | None = None
    since: Annotated[Instant | None, Meta(description="Sent at this time or later.")] = None
    limit: Limit = DEFAULT_LIMIT
    after: Annotated[
        MessageId | None,
        Meta(description=f"Everything after this message, read or not; after {INBOX_START}, all of it."),
    ] = None
    peek: Annotated[bool, Meta(description="Leave them unread.")] = False
    realm: RealmSlug | None = None


_DELIVERED = metrics.MESSAGES_DELIVERED.labels("poll")


def _send_and_keep(view: HubViewSet, attempt: Attempt, body: bodies.Envelope) -> bytes | None:
    content = rules.send_and_keep(
        caller=view.caller,
        envelope=body,
        written=view.written,
        attempt=attempt,
        answer=lambda sent: compact(bodies.sent_answer(sent.message_id, delivered=sent.delivered)),
    )
    if content is not None:
        _note_sent(view, body)
    return content


def _note_sent(view: HubViewSet, body: bodies.Envelope) -> None:
    note(view.caller.realm_id, MESSAGES)
    metrics.MESSAGES_SENT.labels(body.category).inc()
    view.exchange.session_id = body.from_


class MessageViewSet(HubViewSet):
    """Sending, and the acting session's inbox."""

    @endpoint(
        "Send a message",
        body=bodies.Envelope,
        answer=bodies.SentMessage,
        at_once=_send_and_keep,
        check_right=lambda caller, body: own_session(caller, str(parse_id(SESSION, body.from_))),
        refuses=(
            "unsupported_version",
            "invalid_category",
            "invalid_signature",
            "signature_required",
            "session_not_owned",
            "realm_access_denied",
            "grant_required",
            "recipient_not_found",
            "ping_not_waiting",
            "inbox_full",
        ),
        example=examples.SEND,
        links=(
            Link(
                "messages_status",
                "Follow it, as its sender.",
                {"message_id": "$response.body#/message_id", "header.X-AISP-Session": "$request.body#/from"},
            ),
        ),
    )
    def send(self, caller: Caller, body: bodies.Envelope) -> bodies.SentMessage:
        """To all recipients or to none. `from` names the acting session. What is answered with 200 is
        kept until the recipient has read it.

        A `delegate` needs each recipient's active grant for its `capability`. A `pong` that answers a
        waiting ping completes it and goes nowhere else.
        """
        sent = rules.send_message(caller=caller, envelope=body, written=self.written)
        _note_sent(self, body)
        return bodies.sent_answer(sent.message_id, delivered=sent.delivered)

    @endpoint(
        "Poll the inbox",
        query=PollQuery,
        answer=bodies.MessagePage,
        lists=True,
        acts=True,
        refuses=("realm_access_denied", "message_not_found"),
        example=examples.POLL,
    )
    def poll(self, caller: Caller, query: PollQuery) -> bodies.MessagePage:
        """Unread messages, oldest first, marked as read by this call: among concurrent pollers each is
        returned once. If the answer gets lost, ask again with `after` and the last id you have, or with
        `msg_` and 26 zeros if you have none.
        """
        caller.check_realm(query.realm)
        category = query.category
        if category is not None and category not in bodies.CATEGORIES:
            raise refusal_at("/category", f"A category is one of {', '.join(bodies.CATEGORIES)}.")
        page_bytes = self.exchange.page_bytes()
        filters = Filters(limit=query.limit, category=category, since=query.since, page_bytes=page_bytes)
        if query.after is not None:
            after = str(parse_id(MESSAGE, query.after))
            session = acting_session(caller)
            page = reading.read_after(session=session, message_id=after, filters=filters, mark=not query.peek)
        elif query.peek:
            page = reading.peek(session=acting_session(caller), filters=filters)
        else:
            page = reading.poll(caller=caller, filters=filters)
        if not query.peek:
            _DELIVERED.inc(len(page.messages))
        received = [bodies.received_answer(message) for message in page.messages]
        return bodies.MessagePage(messages=received, unread_count=page.unread_count)

    @endpoint(
        "Acknowledge messages",
        body=bodies.Acknowledgement,
        answer=bodies.Acknowledged,
        acts=True,
        refuses=("message_not_found",),
        example=examples.ACKNOWLEDGE,
    )
    def acknowledge(self, caller: Caller, body: bodies.Acknowledgement) -> bodies.Acknowledged:
        """Marks messages of the acting session's inbox as read, such as those it peeked at."""
        ids = [str(parse_id(MESSAGE, name)) for name in body.ids] if body.ids is not None else None
        up_to = parse_id(MESSAGE, body.up_to) if body.up_to is not None else None
        marked = reading.acknowledge(session=acting_session(caller), ids=ids, up_to=up_to)
        return bodies.Acknowledged(acknowledged=marked)

    @endpoint(
        "Follow a sent message",
        answer=bodies.MessageStatus,
        acts=True,
        refuses=("message_not_found",),
        example=examples.FOLLOW,
    )
    def status(self, caller: Caller, message_id: str) -> bodies.MessageStatus:
        """How far a message that the acting session sent came with each recipient."""
        canonical = id_in_path(MESSAGE, message_id, or_refuse="message_not_found")
        return rules.message_status(session=acting_session(caller), message_id=canonical)
