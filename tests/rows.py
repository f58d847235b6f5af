"""What tests do to the database behind the hub's back: rows grow old, streams are open."""

import uuid
from datetime import timedelta

from django.utils import timezone

from hub.messages.models import Delivery, Inbox, Message
from hub.sessions.models import Session
from hub.sessions.presence import LiveProcess, OpenStream
from hub.tokens import verifier
from realms import identity
from realms.models import Realm
from tests.cast import Agent


def status_of(agent: Agent) -> str:
    """Return the status of the agent's session."""
    return Session.objects.get(pk=agent.id).status


def seen_ago(agent: Agent, *, status: Session.Status | None = None, **ago: float) -> None:
    """Have the agent's session be seen last this long ago, and be in `status`."""
    sessions = Session.objects.filter(pk=agent.id)
    sessions.update(last_seen=timezone.now() - timedelta(**ago))
    if status is not None:
        sessions.update(status=status)


def open_stream(agent: Agent, *, beat_ago_seconds: float = 0) -> None:
    """Have the agent's session hold a stream, of a process that beat this long ago."""
    beat_at = timezone.now() - timedelta(seconds=beat_ago_seconds)
    process = LiveProcess.objects.create(id=uuid.uuid4(), beat_at=beat_at)
    assert agent.session is not None
    OpenStream.objects.create(
        id=uuid.uuid4(), realm_id=agent.session.realm_id, session_id=agent.id, process=process
    )


def unread_of(agent: Agent) -> tuple[int, int]:
    """Return how many unread messages the inbox says that it has, and how many it has."""
    rows = Delivery.objects.filter(recipient_id=agent.id, read_at=None)
    return Inbox.objects.get(pk=agent.id).unread, rows.count()


def sent_ago(message_id: str, **ago: float) -> None:
    """Have a message be sent this long ago."""
    Message.objects.filter(pk=message_id).update(sent_at=timezone.now() - timedelta(**ago))


def expire(*message_ids: str) -> None:
    """Let messages expire: it is later than their inboxes expected the first to."""
    past = timezone.now() - timedelta(seconds=1)
    Message.objects.filter(pk__in=message_ids).update(expires_at=past)
    holding = Inbox.objects.filter(session__deliveries__message__in=message_ids)
    holding.exclude(first_expiry=None).update(first_expiry=past)


def set_realm(realm: Realm, **settings: object) -> None:
    """Change a realm's settings, and have the hub notice at once."""
    Realm.objects.filter(pk=realm.pk).update(**settings)
    forget_credentials()


def forget_credentials() -> None:
    """Have the hub look at every key and token anew."""
    identity.forget_cached_keys()
    verifier.forget_cached_tokens()
