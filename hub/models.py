"""Every model of the protocol, gathered for Django's migrations."""

from hub.activity.models import Tally
from hub.grants.models import Grant
from hub.idempotency.models import IdempotencyRecord
from hub.memory.models import MemoryEntry, MemoryNamespace, MemoryUsage
from hub.messages.models import Delivery, Inbox, Message, Ping
from hub.sessions.models import Session
from hub.sessions.presence import LiveProcess, OpenStream
from hub.tokens.models import SigningKey

__all__ = [
    "Delivery",
    "Grant",
    "IdempotencyRecord",
    "Inbox",
    "LiveProcess",
    "MemoryEntry",
    "MemoryNamespace",
    "MemoryUsage",
    "Message",
    "OpenStream",
    "Ping",
    "Session",
    "SigningKey",
    "Tally",
]
