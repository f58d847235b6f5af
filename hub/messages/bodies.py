"""Messages on the wire."""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from hub.messages.models import HUB, Message
from hub.sessions.bodies import Capability, RealmSlug
from hub.wire import (
    Instant,
    JsonObject,
    MessageId,
    SessionId,
    Timestamp,
    raw,
    refuse_unless_object,
    rfc3339,
    strict,
)
from realms import ids

AISP_VERSION = "0.1"
RECIPIENTS = 100
SENDABLE = ("message", "delegate", "result", "event", "error", "ping", "pong")
CATEGORIES = (*SENDABLE, "grant")

_NOT_HUB = {"not": {"const": HUB}}
_SESSION = ids.id_pattern(ids.SESSION).removeprefix("^").removesuffix("$")

Sender = Annotated[
    str,
    Meta(
        pattern=strict(rf"^({_SESSION}|{HUB})$"),
        description="Id of a session, or `hub` where the hub itself speaks.",
        examples=["sess_01HX9J2N3PQRSTVWXYZ0123456"],
    ),
]
Category = Annotated[str, Meta(extra_json_schema={"enum": list(CATEGORIES)}, examples=["delegate"])]
DeliveryStatus = Annotated[str, Meta(extra_json_schema={"enum": ["queued", "delivered"]})]
Signature = Annotated[
    str,
    Meta(
        # Of 86 characters for 64 bytes the last has four idle bits, all 0.
        pattern=strict(r"^ed25519:[A-Za-z0-9+/]{85}[AQgw]==$"),
        description="`ed25519:` and the base64 of the sender's signature over the RFC 8785 form of the "
        "envelope without `sig`.",
    ),
]

Recipients = Annotated[
    list[SessionId],
    Meta(min_length=1, max_length=RECIPIENTS, extra_json_schema={"uniqueItems": True}),
]


class Envelope(Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A message to send."""

    aisp: Annotated[str, Meta(extra_json_schema={"const": AISP_VERSION}, examples=[AISP_VERSION])]
    from_: SessionId
    to: Annotated[
        Sender | Recipients,
        Meta(description="One id, or up to 100 distinct ids. `hub` may be sent a pong."),
    ]
    category: Annotated[str, Meta(extra_json_schema={"enum": list(SENDABLE)}, examples=["delegate"])]
    payload: Annotated[JsonObject, Meta(description="Free form, at most 256 KiB as compact JSON.")]
    realm: RealmSlug | None = None
    reply_to: MessageId | None = None
    expires_at: Instant | None = None
    capability: Annotated[
        Capability | None, Meta(description="Of a delegate: what of the target it uses.")
    ] = None
    sig: Signature | None = None

    def __post_init__(self) -> None:
        refuse_unless_object(self.payload, member="payload")

    # What depends on the category, for the published schema; `hub.messages.envelope` checks it.
    schema_rules: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {"properties": {"category": {"const": "delegate"}, "to": _NOT_HUB}},
            {"properties": {"category": {"const": "pong"}, "capability": {"type": "null"}}},
            {
                "properties": {
                    "category": {"enum": [name for name in SENDABLE if name not in ("delegate", "pong")]},
                    "to": _NOT_HUB,
                    "capability": {"type": "null"},
                }
            },
        ]
    }


class SentMessage(Struct):
    """The hub has the message and will not lose it."""

    message_id: MessageId
    status: DeliveryStatus
    delivered: Annotated[bool, Meta(description="Every recipient had a stream open.")]


class ReceivedMessage(Struct, rename={"from_": "from"}, omit_defaults=True):
    """A message in an inbox. A signed one carries all members of its envelope as they were sent."""

    id: MessageId
    from_: Sender
    category: Category
    sent_at: Timestamp
    payload: JsonObject
    # A sender may have signed a null.
    reply_to: MessageId | UnsetType | None = UNSET
    expires_at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})] | UnsetType | None = UNSET
    capability: Capability | UnsetType | None = UNSET
    aisp: Annotated[str, Meta(extra_json_schema={"const": AISP_VERSION})] | UnsetType = UNSET
    to: Sender | Recipients | UnsetType = UNSET
    realm: RealmSlug | UnsetType | None = UNSET
    sig: Signature | UnsetType = UNSET


class MessagePage(Struct):
    """Messages of the acting session's inbox, oldest first."""

    messages: list[ReceivedMessage]
    unread_count: Annotated[int, Meta(ge=0, description="Unread ones that matched, the returned included.")]


class Acknowledgement(Struct, forbid_unknown_fields=True):
    """What to mark as read: `ids`, or everything up to and including `up_to`; exactly one of the two."""

    ids: Annotated[list[MessageId], Meta(min_length=1, max_length=500)] | None = None
    up_to: MessageId | None = None

    schema_rules: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {"required": ["ids"], "properties": {"ids": {"type": "array"}, "up_to": {"type": "null"}}},
            {"required": ["up_to"], "properties": {"up_to": {"type": "string"}, "ids": {"type": "null"}}},
        ]
    }

    def __post_init__(self) -> None:
        if (self.ids is None) == (self.up_to is None):
            raise ValueError("Give either `ids` or `up_to`")


class Acknowledged(Struct):
    """What was marked."""

    acknowledged: Annotated[int, Meta(ge=0, description="Messages that were unread before.")]


class RecipientStatus(Struct):
    """How far a message came with one recipient."""

    to: SessionId
    status: Annotated[
        str,
        Meta(
            extra_json_schema={"enum": ["queued", "delivered", "read", "discarded"]},
            description="`discarded`: not in the inbox any more; the recipient left, or it was too old.",
        ),
    ]
    delivered_at: Timestamp | None
    read_at: Timestamp | None


class MessageStatus(Struct, rename={"from_": "from"}):
    """A sent message, for its sender."""

    id: MessageId
    from_: SessionId
    category: Category
    sent_at: Timestamp
    recipients: list[RecipientStatus]


def sent_answer(message_id: str, *, delivered: bool) -> SentMessage:
    """Return what the sender of a message gets."""
    status = "delivered" if delivered else "queued"
    return SentMessage(message_id=message_id, status=status, delivered=delivered)


def received_answer(message: Message) -> ReceivedMessage:
    """Return a message as its recipient gets it."""
    answer = ReceivedMessage(
        id=message.pk,
        from_=message.sender_id or HUB,
        category=message.category,
        sent_at=rfc3339(message.sent_at),
        payload=raw(message.payload),
    )
    if message.envelope:
        for member, value in msgspec.json.decode(message.envelope).items():
            setattr(answer, "from_" if member == "from" else member, value)
        return answer
    if message.reply_to:
        answer.reply_to = ids.id_of(ids.MESSAGE, message.reply_to)
    if message.expires_at:
        answer.expires_at = rfc3339(message.expires_at)
    if message.capability:
        answer.capability = message.capability
    return answer
