"""Grants on the wire."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from hub.grants.models import Grant
from hub.grants.patterns import MEMORY_CAPABILITIES, NAMESPACE_PATTERN
from hub.grants.transitions import status_now
from hub.sessions.bodies import Capability
from hub.wire import GrantId, Instant, SessionId, Timestamp, rfc3339, strict

REASON_CHARACTERS = 1000

Namespace = Annotated[
    str,
    Meta(
        pattern=strict(NAMESPACE_PATTERN),
        min_length=1,
        max_length=257,
        description="`*`, an exact key `a.b`, or the subtree `a.*` (everything below `a`).",
        examples=["project.*"],
    ),
]
Reason = Annotated[
    str,
    Meta(max_length=REASON_CHARACTERS, examples=["Need to read project context for summarization task."]),
]
GrantStatus = Annotated[
    str, Meta(extra_json_schema={"enum": [status.value for status in Grant.Status]}, examples=["active"])
]


class GrantRequest(Struct, forbid_unknown_fields=True):
    """What to ask another session for."""

    to: SessionId
    capability: Capability
    namespace: Namespace | None = None
    expires_at: Instant | None = None
    reason: Reason | None = None

    # What depends on the capability, for the published schema; `hub.grants.requests` checks it.
    schema_rules: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {
                "required": ["namespace"],
                "properties": {
                    "capability": {"enum": list(MEMORY_CAPABILITIES)},
                    "namespace": {"type": "string"},
                },
            },
            {
                "properties": {
                    "capability": {"not": {"enum": list(MEMORY_CAPABILITIES)}},
                    "namespace": {"type": "null"},
                }
            },
        ]
    }


class GrantRequested(Struct):
    """A request that waits for its target."""

    grant_id: GrantId
    status: Annotated[str, Meta(extra_json_schema={"const": Grant.Status.PENDING.value})]
    to: SessionId
    capability: Capability


class GrantApproval(Struct, forbid_unknown_fields=True):
    """An approval, of less than was asked if it says so."""

    namespace: Namespace | None = None
    expires_at: Instant | None = None


class Nothing(Struct, forbid_unknown_fields=True):
    """An empty object."""


class GrantDetail(Struct, rename={"from_": "from"}):
    """A grant: `from` asked, `to` decides."""

    id: GrantId
    from_: SessionId
    to: SessionId
    capability: Capability
    namespace: Namespace | None
    status: GrantStatus
    expires_at: Timestamp


class GrantList(Struct):
    """A page of grants."""

    grants: list[GrantDetail]


class GrantRevoked(Struct):
    """A grant has ended."""

    revoked: Annotated[bool, Meta(extra_json_schema={"const": True})]
    grant_id: GrantId


def requested_answer(grant: Grant) -> GrantRequested:
    """Return a new request as the wire has it."""
    return GrantRequested(
        grant_id=grant.pk, status=grant.status, to=grant.grantor_id, capability=grant.capability
    )


def detail_answer(grant: Grant) -> GrantDetail:
    """Return a grant as the wire has it."""
    return GrantDetail(
        id=grant.pk,
        from_=grant.requester_id,
        to=grant.grantor_id,
        capability=grant.capability,
        namespace=grant.namespace or None,
        status=status_now(grant),
        expires_at=rfc3339(grant.expires_at),
    )
