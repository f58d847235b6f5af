"""Envelopes: what a session may write on one, and its signature."""

import msgspec
from django.utils import timezone

from hub.json_apart import apart_if_large
from hub.messages.bodies import AISP_VERSION, SENDABLE, Envelope
from hub.messages.inbox import Outgoing
from hub.messages.models import HUB
from hub.messages.signed_form import signed_form
from hub.sessions.acting import Caller
from hub.sessions.models import Session
from hub.sessions.public_key import verifies
from hub.wire import compact
from realms.ids import MESSAGE, SESSION, parse_id
from realms.refusal import Refusal, refusal_at

PAYLOAD_BYTES = 256 * 1024
DELEGATE = "delegate"
DEFAULT_CAPABILITY = "delegate.receive"


def outgoing_of(caller: Caller, envelope: Envelope, written: bytes) -> Outgoing:
    """Check what can be known of an envelope without the database, and return what to send.

    Args:
        written: the envelope as strict JSON, which its signature covers.

    Raises:
        Refusal: `unsupported_version`, `invalid_category`, `invalid_request`, `realm_access_denied`,
            `signature_required`.
    """
    if envelope.aisp != AISP_VERSION:
        detail = f'This hub speaks AISP {AISP_VERSION}; send "aisp": "{AISP_VERSION}".'
        raise refusal_at("/aisp", detail, "unsupported_version")
    if envelope.category not in SENDABLE:
        reason = "is sent by the hub alone" if envelope.category == "grant" else "is unknown"
        detail = f"The category {envelope.category!r} {reason}; a session may send {', '.join(SENDABLE)}."
        raise refusal_at("/category", detail, "invalid_category")
    caller.check_realm(envelope.realm)
    recipients = _recipients(envelope)
    payload = bytes(envelope.payload)
    if len(payload) > PAYLOAD_BYTES:
        raise refusal_at("/payload", f"The payload has {len(payload)} bytes; {PAYLOAD_BYTES} are allowed.")
    if envelope.expires_at is not None and envelope.expires_at <= timezone.now():
        raise refusal_at("/expires_at", "The expiry has to be in the future.")
    if envelope.capability is not None and envelope.category != DELEGATE:
        raise refusal_at("/capability", "Only a `delegate` has a capability.")
    if envelope.sig is None and caller.key.require_signatures:
        raise Refusal("signature_required")
    is_delegate = envelope.category == DELEGATE
    return Outgoing(
        realm_id=caller.realm_id,
        sender_id=parse_id(SESSION, envelope.from_),
        recipients=recipients,
        category=envelope.category,
        payload=payload.decode(),
        envelope=_signed_members(written) if envelope.sig else "",
        reply_to=parse_id(MESSAGE, envelope.reply_to) if envelope.reply_to else None,
        capability=(envelope.capability or DEFAULT_CAPABILITY) if is_delegate else "",
        expires_at=envelope.expires_at,
    )


def _recipients(envelope: Envelope) -> list[str]:
    if envelope.to == HUB:
        if envelope.category != "pong":
            raise refusal_at("/to", "Only a `pong` can be sent to the hub; name a session.")
        return [HUB]
    given = [envelope.to] if isinstance(envelope.to, str) else envelope.to
    recipients = [str(parse_id(SESSION, to)) for to in given]
    for i, recipient in enumerate(recipients):
        if recipient in recipients[:i]:
            raise refusal_at(f"/to/{i}", f"{recipient} is named twice.")
    return recipients


def _signed_members(written: bytes) -> str:
    members = msgspec.json.decode(written, type=dict[str, msgspec.Raw])
    return compact({name: value for name, value in members.items() if name != "payload"}).decode()


def check_signature(sender: Session, envelope: Envelope, written: bytes) -> None:
    """Raise `Refusal` `invalid_signature` unless `sig`, if there is one, is the sender's.

    It covers the RFC 8785 form of the envelope as written, without `sig`.
    """
    if envelope.sig is None:
        return
    if sender.public_key is None:
        raise refusal_at("/sig", "The sender was registered without a `public_key`.", "invalid_signature")
    if not verifies(sender.public_key, envelope.sig, apart_if_large(signed_form, written)):
        detail = "The signature is not the sender's over the RFC 8785 form of the envelope without `sig`."
        raise refusal_at("/sig", detail, "invalid_signature")
