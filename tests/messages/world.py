"""A realm to be built twice: what happens in the one and in the other can be compared."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from hub.grants.models import Grant
from hub.messages.inbox import Outgoing
from hub.messages.models import Delivery, Inbox, Message
from hub.sessions.acting import Caller
from hub.sessions.models import Session
from hub.sessions.presence import LiveProcess, OpenStream
from hub.sessions.rules import end_session
from realms import identity
from realms.models import Realm
from tests.cast import OPERATOR, Agent, caller_of, new_agent, new_key, new_realm

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


def _when(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    return "just now" if moment > timezone.now() - timedelta(minutes=1) else "before"


@dataclass
class World:
    """A realm with four agents of one key; `dora` declares nothing."""

    realm: Realm
    key: str
    alice: Agent
    bob: Agent
    carol: Agent
    dora: Agent

    @property
    def caller(self) -> Caller:
        """Whoever has the key, as the hub knows them now."""
        identity.forget_cached_keys()
        return caller_of(self.key)

    def outgoing(self, *to: Agent, **members: Any) -> Outgoing:
        """Return a message of alice's."""
        message = {
            "realm_id": self.realm.pk,
            "sender_id": self.alice.id,
            "recipients": [agent.id for agent in to],
            "category": "message",
            "payload": '{"n":1e308}',
        }
        return Outgoing(**{**message, **members})

    def delegate(self, *to: Agent, **members: Any) -> Outgoing:
        """Return a delegation of alice's."""
        return self.outgoing(*to, category="delegate", capability="delegate.receive", **members)

    def grants(self, grantor: Agent, **members: Any) -> None:
        """Have `grantor` give alice an active grant to delegate."""
        grant = {
            "realm_id": self.realm.pk,
            "requester_id": self.alice.id,
            "grantor_id": grantor.id,
            "capability": "delegate.receive",
            "status": "active",
            "expires_at": timezone.now() + timedelta(hours=1),
        }
        Grant.objects.create(**{**grant, **members})

    def streams(
        self, *agents: Agent, beat_at: datetime | None = None, process_id: UUID | None = None
    ) -> None:
        """Have agents hold a stream open, in this or a new process that last beat at `beat_at` or now."""
        process = LiveProcess.objects.create(id=process_id or uuid4())
        if beat_at:
            LiveProcess.objects.filter(pk=process.pk).update(beat_at=beat_at)
        for agent in agents:
            OpenStream.objects.create(
                id=uuid4(), realm_id=self.realm.pk, session_id=agent.id, process=process
            )

    def state(self) -> Any:
        """Return all that a send or a poll may change, with names in the place of ids."""
        names = {s.pk: s.name for s in Session.objects.filter(realm=self.realm)}
        messages = {m.pk: m for m in Message.objects.filter(realm=self.realm)}
        return {
            "inboxes": sorted(
                (names[i.pk], i.seq, i.unread, str(i.first_expiry))
                for i in Inbox.objects.filter(realm=self.realm)
            ),
            "deliveries": sorted(
                (
                    names[d.recipient_id],
                    d.seq,
                    _when(d.delivered_at),
                    _when(d.read_at),
                    messages[d.message_id].payload,
                )
                for d in Delivery.objects.filter(recipient__realm=self.realm)
            ),
            "messages": sorted(
                (
                    names.get(m.sender_id, "hub") if m.sender_id else "hub",
                    [names.get(to, "?") for to in m.recipients],
                    m.category,
                    m.payload,
                    m.envelope,
                    str(m.reply_to),
                    m.capability,
                    str(m.expires_at),
                    abs(m.sent_at - timezone.now()) < timedelta(minutes=1),
                )
                for m in messages.values()
            ),
            "sessions": sorted(
                (s.name, s.status, s.last_seen > timezone.now() - timedelta(minutes=1))
                for s in Session.objects.filter(realm=self.realm)
            ),
        }


def new_world(owner: str) -> World:
    """Make the realm `default` of a new owner, with room for three messages in an inbox."""
    realm = new_realm(owner, inbox_limit=3)
    key = new_key(realm)[1]
    can: dict[str, Any] = {"capabilities": ["delegate.receive", "memory.read"]}
    agents = [
        new_agent(key, "alice", **can),
        new_agent(key, "bob", **can),
        new_agent(key, "carol", **can),
        new_agent(key, "dora"),
    ]
    return World(realm, key, *agents)


def leave(agent: Agent) -> None:
    """End the agent's session."""
    assert agent.session is not None
    end_session(agent.session, by=OPERATOR)
