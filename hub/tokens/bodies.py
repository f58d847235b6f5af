"""Tokens and the keys that verify them on the wire."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hub.tokens.rules import IssuedToken
from hub.tokens.signing_keys import MAX_TTL_SECONDS
from hub.wire import SessionId, Timestamp, rfc3339

MIN_TTL_SECONDS = 60
DEFAULT_TTL_SECONDS = 900

Scope = Literal["read", "write"]


class TokenRequest(Struct, forbid_unknown_fields=True):
    """What the token may do, and for how long."""

    ttl_seconds: Annotated[int, Meta(ge=MIN_TTL_SECONDS, le=MAX_TTL_SECONDS)] = DEFAULT_TTL_SECONDS
    scopes: (
        Annotated[
            list[Scope], Meta(min_length=1, max_length=2, description="All of the caller's, if not given.")
        ]
        | None
    ) = None


class Token(Struct):
    """A bearer token that acts as the session."""

    token: Annotated[str, Meta(description="A JWT; send it as `Authorization: Bearer`.")]
    token_type: Annotated[str, Meta(extra_json_schema={"const": "Bearer"})]
    expires_at: Timestamp
    session: SessionId


class SigningKeySet(Struct):
    """The hub's public keys (RFC 7517 §5)."""

    keys: list[dict[str, Any]]


def token_answer(issued: IssuedToken) -> Token:
    """Return a token as the wire has it."""
    return Token(
        token=issued.token,
        token_type="Bearer",  # noqa: S106  no password
        expires_at=rfc3339(issued.expires_at),
        session=issued.session_id,
    )
