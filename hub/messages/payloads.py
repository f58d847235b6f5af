"""Payloads in the console: opened one at a time, and never unnoticed."""

from django.db import transaction

from hub.messages.models import Message
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.refusal import Refusal


def open_payload(*, message: Message, by: Actor) -> str:
    """Return what a message says, as JSON text, for a person; the audit log tells that they read it.

    Raises:
        Refusal: `message_not_found`, if it was dropped meanwhile.
    """
    with transaction.atomic():
        kept = Message.objects.in_realm(message.realm_id).filter(pk=message.pk)
        payload = kept.values_list("payload", flat=True).first()
        if payload is None:
            raise Refusal("message_not_found", "The message was dropped: its retention is over.")
        audit.append("message.payload_opened", realm_id=message.realm_id, by=by, target=message.pk)
    return payload
