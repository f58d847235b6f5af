"""Two realms of the same shape: alice's, in which every value is a canary, and mallory's.

Rows are written as they stand in the database, and not by the rules, which are what is tested.
"""

import base64
import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import models
from django.utils import timezone

from accounts.models import User
from accounts.sealing import seal
from hub.grants.models import Grant
from hub.idempotency.models import IdempotencyRecord
from hub.memory.models import MemoryEntry, MemoryNamespace, MemoryUsage
from hub.messages.models import Delivery, Inbox, Message, Ping
from hub.sessions.models import Session
from realms.audit.models import AuditHead
from realms.ids import MESSAGE, new_id, uuid_of
from realms.key_format import digest_of, new_plaintext
from realms.models import ApiKey, ApiKeySecret, Realm
from tests.cast import Agent, new_owner
from tests.isolation.names import IDS, Named

CANARY = "canary"
_NEXT = re.compile(r'<(?P<url>[^>]*)>; rel="next"')


@dataclass(frozen=True)
class Tenant:
    """A realm, the agent that acts in it, a neighbour of another key, and what can be named of it.

    Attributes:
        word: in every value of the realm.
        third: a session of the agent's key that it does not act as.
        left: a session of the key that is deregistered.
        ids: of everything in it.
    """

    word: str
    realm: Realm
    agent: Agent
    neighbour: Agent
    third: Session
    left: Session
    names: dict[Named, str]

    def own(self, named: Named) -> str:
        """Return what the realm's own agent names in a good request."""
        if named is Named.NEW_NAME:
            return f"{self.word}-new"
        if named is Named.IDEMPOTENCY_KEY:
            return f"{self.word}-first-time"
        return self.theirs(named)

    @property
    def session(self) -> Session:
        """The session that the agent acts as."""
        assert self.agent.session is not None
        return self.agent.session

    def theirs(self, named: Named) -> str:
        """Return what somebody else could name of this realm."""
        if named not in self.names:
            # The other realm's agent reads them by its own good request, so a cursor is a real one.
            self.names[named] = self._cursor(named)
        return self.names[named]

    def _cursor(self, named: Named) -> str:
        path = {
            Named.SESSIONS_CURSOR: "sessions",
            Named.MEMORY_CURSOR: "memory",
            Named.GRANTS_CURSOR: "grants",
        }[named]
        answer = self.agent.get(f"{path}?limit=1")
        link = _NEXT.fullmatch(answer.headers["Link"])
        assert link is not None
        return parse_qs(urlsplit(link["url"]).query)["cursor"][0]

    @cached_property
    def ids(self) -> set[str]:
        """The id of everything that the realm has."""
        realm = self.realm
        sets: list[models.QuerySet[Any]] = [
            realm.api_keys.all(),
            realm.sessions.all(),
            Message.objects.filter(realm=realm),
            Grant.objects.filter(realm=realm),
            realm.audit_events.all(),
        ]
        return {realm.pk, *(pk for things in sets for pk in things.values_list("pk", flat=True))}

    @cached_property
    def uuids(self) -> set[uuid.UUID]:
        """Its ids, as the database has them."""
        return {uuid_of(name) for name in self.ids}

    @cached_property
    def telltale(self) -> re.Pattern[bytes]:
        """What stands in any value of the realm or is one of its ids, in any form and letter case."""
        texts = [self.word, *self._id_forms()]
        return re.compile("|".join(map(re.escape, texts)).encode(), re.IGNORECASE)

    def _id_forms(self) -> Iterator[str]:
        for name in sorted(self.ids):
            yield name[-26:]
            yield str(uuid_of(name))
            yield uuid_of(name).hex


def private_key(session_name: str) -> Ed25519PrivateKey:
    """Return the private half of the key that a session of a tenant was registered with."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(session_name.encode()).digest())


def public_key(session_name: str) -> str:
    """Return the public half, as the wire has it."""
    raw = private_key(session_name).public_key().public_bytes_raw()
    return f"ed25519:{base64.b64encode(raw).decode()}"


def new_realm(owner: User, slug: str, **members: Any) -> Realm:
    """Write down a realm, with an audit log in which nothing stands yet."""
    realm = Realm.objects.create(owner=owner, slug=slug, **members)
    AuditHead.objects.create(realm=realm)
    return realm


def new_key(realm: Realm, name: str, **members: Any) -> tuple[ApiKey, str]:
    """Write down a key of both scopes, if `members` do not say otherwise, and its plaintext."""
    key = ApiKey.objects.create(realm=realm, name=name, **{"scopes": ["read", "write"], **members})
    plaintext = new_plaintext()
    ApiKeySecret.objects.create(key=key, digest=digest_of(plaintext), last_four=plaintext[-4:])
    return key, plaintext


def new_tenant(owner: str, word: str) -> Tenant:
    """Fill a realm of a new owner, with `word` in every value."""
    realm = new_realm(new_owner(owner), f"{word}-realm")
    agent, neighbour = (_agent(realm, f"{word}-{name}", word) for name in ("me", "peer"))
    received = _message(realm, word, neighbour, agent)
    _message(realm, word, neighbour, agent)
    sent = _message(realm, word, agent, neighbour)
    pinged = _message(realm, word, None, agent, category="ping")
    Ping.objects.create(
        message_id=pinged,
        target_id=agent.id,
        asker=None,
        nonce=f"{word}-nonce",
        expires_at=timezone.now() + timedelta(hours=1),
    )
    for owns, space in ((agent, f"{word}-space"), (neighbour, f"{word}-peers")):
        namespace = MemoryNamespace.objects.create(realm=realm, name=space, owner_id=owns.id)
        for key in (f"{space}.key", f"{space}.other"):
            _entry(realm, namespace, key, f'"{word} value"')
    # Of the name that the agent registers next, whose session inherits it.
    assert agent.session is not None
    left = new_session(agent.session.key, f"{word}-new", word, status=Session.Status.DEREGISTERED)
    MemoryNamespace.objects.create(realm=realm, name=f"{word}-left", owner=left)
    third = new_session(agent.session.key, f"{word}-third", word)
    Inbox.objects.create(session=third, realm=realm)
    IdempotencyRecord.objects.create(
        realm=realm,
        key=agent.session.key,
        name=f"{word}-again",
        fingerprint=bytes(32),
        sealed_answer=seal(f'{{"text":"{word} answer"}}'.encode()),
    )
    MemoryUsage.objects.create(realm=realm, entries=4, bytes=4 * len(f'"{word} value"'))
    grants: dict[str, Any] = {"realm": realm, "requester": agent.session, "grantor": neighbour.session}
    grant(**grants, capability=f"{word}.task")
    grant(**grants, capability="memory.delete", namespace=f"{word}-peers.other")
    asked = grant(
        realm=realm,
        requester=neighbour.session,
        grantor=agent.session,
        capability="memory.read",
        namespace=f"{word}-space.*",
        status=Grant.Status.PENDING,
        reason=f"{word} reason",
    )
    names = {
        Named.ME: agent.id,
        Named.PEER: neighbour.id,
        Named.RECEIVED: received,
        Named.SENT: sent,
        Named.ASKED_OF_ME: asked,
        Named.KEY: f"{word}-space.key",
        Named.NAMESPACE: f"{word}-space",
        Named.PEERS_PATTERN: f"{word}-peers.*",
        Named.SLUG: realm.slug,
        Named.NEW_NAME: f"{word}-me",
        Named.NAME: f"{word}-me",
        Named.KIND: f"{word}-kind",
        Named.CAPABILITY: f"{word}.task",
        Named.IDEMPOTENCY_KEY: f"{word}-again",
        Named.NONCE: f"{word}-nonce",
    }
    return Tenant(word, realm, agent, neighbour, third, left, names)


def _agent(realm: Realm, name: str, word: str) -> Agent:
    key, plaintext = new_key(realm, f"{word} key")
    session = new_session(key, name, word)
    Inbox.objects.create(session=session, realm=realm)
    return Agent(plaintext, session)


def new_session(key: ApiKey, name: str, word: str, **members: Any) -> Session:
    """Write down a session of a key, without an inbox."""
    said = {
        "kind": f"{word}-kind",
        "capabilities": [f"{word}.task", "delegate.receive"],
        "public_key": public_key(name),
        "manifest": f'{{"says":"{word} manifest"}}',
        # Seen too long ago not to be noted when it acts.
        "last_seen": timezone.now() - timedelta(minutes=1),
    }
    return Session.objects.create(realm_id=key.realm_id, key=key, name=name, **{**said, **members})


def _message(realm: Realm, word: str, sender: Agent | None, to: Agent, category: str = "message") -> str:
    message = Message.objects.create(
        id=new_id(MESSAGE),
        realm=realm,
        sender=sender.session if sender else None,
        recipients=[to.id],
        category=category,
        payload=f'{{"text":"{word} payload"}}',
    )
    inbox = Inbox.objects.get(pk=to.id)
    inbox.seq, inbox.unread = inbox.seq + 1, inbox.unread + 1
    inbox.save()
    Delivery.objects.create(recipient_id=to.id, seq=inbox.seq, message=message)
    return message.pk


def _entry(realm: Realm, namespace: MemoryNamespace, key: str, value: str) -> None:
    MemoryEntry.objects.create(
        realm=realm,
        namespace=namespace,
        key=key,
        value=value,
        size=len(value),
        written_by=namespace.owner,
        updated_at=timezone.now(),
    )


def grant(**members: Any) -> str:
    """Write down a grant, an active one if `members` do not say otherwise, and return its id."""
    standing = {"status": Grant.Status.ACTIVE, "expires_at": timezone.now() + timedelta(hours=1)}
    return Grant.objects.create(**{**standing, **members}).pk


def nowhere(named: Named, like: str) -> str:
    """Return something of the same kind that exists nowhere, in the form of `like`."""
    match named:
        case _ if named in IDS:
            return new_id(like.partition("_")[0])
        case Named.SESSIONS_CURSOR | Named.MEMORY_CURSOR | Named.GRANTS_CURSOR:
            position, _, signature = like.rpartition(":")
            return f"{position}:{signature[::-1]}"
        case Named.KEY:
            return "nowhere-space.key"
        case Named.PEERS_PATTERN:
            return "nowhere-space.*"
        case Named.CAPABILITY:
            return "nowhere.task"
        case _:
            return "nowhere-space"
