"""Tokens: issue one for a session."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from hub.sessions.acting import Caller, own_session
from hub.sessions.models import Session
from hub.sessions.rules import session_in_realm
from hub.tokens.signing_keys import signer
from hub.wire import rfc3339
from realms.audit import rules as audit
from realms.refusal import Refusal


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token, and the second in which it ends."""

    token: str
    session_id: str
    expires_at: datetime


def session_to_issue_for(caller: Caller, session_id: str) -> Session:
    """Return the session, if `caller` may issue a token for it.

    Raises:
        Refusal: `session_not_found`, `session_not_owned`.
    """
    session_in_realm(caller, session_id)
    return own_session(caller, session_id)


def issue_token(
    *, caller: Caller, session_id: str, ttl_seconds: int, scopes: Sequence[str] | None
) -> IssuedToken:
    """Issue a token that acts as a session of the caller's, for at most as long as its API key lives.

    Args:
        scopes: of the caller's own; all of them if None.

    Raises:
        Refusal: `session_not_found`, `session_not_owned`, `scope_missing`.
    """
    granted = sorted(caller.scopes if scopes is None else set(scopes))
    if missing := set(granted) - caller.scopes:
        names = ", ".join(sorted(missing))
        raise Refusal("scope_missing", f"A token cannot have scopes that its issuer lacks: {names}.")
    session = session_to_issue_for(caller, session_id)
    now = timezone.now().replace(microsecond=0)
    expires_at = now + timedelta(seconds=ttl_seconds)
    if caller.key.expires_at is not None:
        expires_at = min(expires_at, caller.key.expires_at.replace(microsecond=0))
    claims = {
        "iss": settings.HUB_ORIGIN,
        "sub": session.pk,
        "aud": settings.HUB_ORIGIN,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": secrets.token_urlsafe(16),
        "scope": " ".join(granted),
    }
    with transaction.atomic():
        kid, private_key = signer()
        token = jwt.encode(claims, private_key, algorithm="EdDSA", headers={"kid": kid})
        audit.append(
            "token.issued",
            realm_id=session.realm_id,
            by=caller.actor,
            target=session.pk,
            details={"jti": claims["jti"], "scopes": granted, "expires_at": rfc3339(expires_at)},
        )
    return IssuedToken(token, session.pk, expires_at.astimezone(UTC))
