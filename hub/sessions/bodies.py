"""Sessions on the wire."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from hub.messages.models import NONCE_CHARACTERS, Ping
from hub.sessions.models import Session
from hub.sessions.public_key import read_public_key
from hub.wire import JsonObject, SessionId, Timestamp, raw, refuse_unless_object, rfc3339, strict

CAPABILITIES = 64
MANIFEST_BYTES = 16 * 1024
WELL_KNOWN_KINDS = ("interactive", "executor", "orchestrator", "service", "observer")

Name = Annotated[
    str,
    Meta(
        pattern=strict(r"^[A-Za-z0-9][A-Za-z0-9._-]*$"),
        min_length=1,
        max_length=64,
        description="Unique in the realm without regard to letter case, among sessions not deregistered.",
        examples=["my-agent"],
    ),
]
Kind = Annotated[
    str,
    Meta(
        pattern=strict(r"^[a-z][a-z0-9_-]{0,31}$"),
        description=f"Well known: {', '.join(WELL_KNOWN_KINDS)}.",
        examples=["interactive"],
    ),
]
Capability = Annotated[
    str,
    Meta(
        pattern=strict(r"^[a-z][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*$"),
        max_length=128,
        description="Well known: memory.read, memory.write, memory.delete, delegate.receive.",
        examples=["memory.read"],
    ),
]
RealmSlug = Annotated[
    str, Meta(min_length=1, max_length=63, description="The caller's own realm.", examples=["default"])
]
Status = Annotated[str, Meta(extra_json_schema={"enum": ["active", "inactive"]}, examples=["active"])]
PublicKey = Annotated[
    str,
    Meta(
        # 12 bytes of SPKI header are 16 characters; of 43 for the key the last has two idle bits, both 0.
        pattern=strict(r"^ed25519:(MCowBQYDK2VwAyEA)?[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$"),
        description="`ed25519:` and the base64 of the 44-byte SPKI, or of the raw 32 bytes, of a point of "
        "the curve that is not of small order.",
        examples=["ed25519:MCowBQYDK2VwAyEAgcrEtyxJSRZYtRrVbNnsvMPmpqijTAwLvbKpapG6b0s="],
    ),
]
Nonce = Annotated[str, Meta(min_length=1, max_length=NONCE_CHARACTERS, examples=["abc123"])]


class Registration(Struct, forbid_unknown_fields=True):
    """A session to register."""

    name: Name
    kind: Kind
    realm: RealmSlug | None = None
    capabilities: Annotated[list[Capability], Meta(max_length=CAPABILITIES)] = []
    public_key: PublicKey | None = None
    manifest: Annotated[
        JsonObject,
        Meta(description="Free form, at most 16 KiB as compact JSON.", extra_json_schema={"default": {}}),
    ] = msgspec.field(default_factory=lambda: raw("{}"))

    def __post_init__(self) -> None:
        if self.public_key is not None:
            try:
                read_public_key(self.public_key)
            except ValueError as error:
                raise ValueError(f"`public_key`: {error}") from None
        refuse_unless_object(self.manifest, member="manifest")
        if len(bytes(self.manifest)) > MANIFEST_BYTES:
            raise ValueError(f"`manifest`: It has more than {MANIFEST_BYTES} bytes as compact JSON")


class RegisteredSession(Struct):
    """A session as it was registered."""

    id: SessionId
    name: Name
    kind: Kind
    realm: RealmSlug
    status: Status
    created_at: Timestamp


class ListedSession(Struct):
    """A session in a list."""

    id: SessionId
    name: Name
    kind: Kind
    status: Status


class SessionList(Struct):
    """A page of sessions."""

    sessions: list[ListedSession]
    total: Annotated[int, Meta(ge=0, description="All that match, on whatever page.")]


class SessionDetail(Struct):
    """A session with all that it said of itself."""

    id: SessionId
    name: Name
    kind: Kind
    realm: RealmSlug
    status: Status
    capabilities: list[Capability]
    public_key: PublicKey | None
    manifest: JsonObject
    connected: Annotated[bool, Meta(description="A stream is open now.")]
    created_at: Timestamp
    last_seen: Timestamp


class Deregistered(Struct):
    """The session is gone."""

    message: Annotated[str, Meta(extra_json_schema={"const": "Session deregistered."})]


class PingRequest(Struct, forbid_unknown_fields=True):
    """A ping."""

    nonce: Nonce | None = None


class Pong(Struct):
    """The session answered."""

    status: Annotated[str, Meta(extra_json_schema={"const": "alive"})]
    latency_ms: Annotated[int, Meta(ge=0, description="From sending to the pong, measured by the hub.")]
    nonce: Nonce


def registered_answer(session: Session, realm_slug: str) -> RegisteredSession:
    """Return a new session as the wire has it."""
    return RegisteredSession(
        id=session.pk,
        name=session.name,
        kind=session.kind,
        realm=realm_slug,
        status=session.status,
        created_at=rfc3339(session.created_at),
    )


def listed_answer(session: Session) -> ListedSession:
    """Return a session as a list has it."""
    return ListedSession(id=session.pk, name=session.name, kind=session.kind, status=session.status)


def detail_answer(session: Session, realm_slug: str, *, connected: bool) -> SessionDetail:
    """Return a session as a page of its own has it."""
    return SessionDetail(
        id=session.pk,
        name=session.name,
        kind=session.kind,
        realm=realm_slug,
        status=session.status,
        capabilities=session.capabilities,
        public_key=session.public_key,
        manifest=raw(session.manifest),
        connected=connected,
        created_at=rfc3339(session.created_at),
        last_seen=rfc3339(session.last_seen),
    )


def pong_answer(ping: Ping) -> Pong:
    """Return an answered ping as the wire has it."""
    assert ping.answered_at is not None
    waited = ping.answered_at - ping.sent_at
    return Pong(status="alive", latency_ms=max(0, round(waited.total_seconds() * 1000)), nonce=ping.nonce)
