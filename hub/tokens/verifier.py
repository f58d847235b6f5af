"""The verifier of bearer tokens (RFC 7519, with the advice of RFC 8725): one for both issuers.

A token is an Ed25519 signature by the session that it acts as or by the hub, and nothing in its header
chooses how it is verified: `kid` names a key that the hub holds already. Realm and key come from the
session's row, never from a claim.
"""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.utils import timezone
from msgspec import Meta, Struct

from hub.sessions.acting import SessionToken
from hub.sessions.models import Session
from hub.sessions.public_key import read_public_key
from hub.tokens.models import KID_CHARACTERS
from hub.tokens.signing_keys import LEEWAY_SECONDS, MAX_TTL_SECONDS, public_key_of
from hub.wire import strict
from realms.identity import CACHE_ENTRIES, CACHE_SECONDS, KeyIdentity, identity_of, record_use
from realms.ids import SESSION, parse_id
from realms.keys import SCOPES
from realms.models import Realm

TOKEN_CHARACTERS = 4096
SELF_SIGNED_SECONDS = 900
LEEWAY = timedelta(seconds=LEEWAY_SECONDS)
REQUIRED = ["iss", "sub", "aud", "iat", "exp", "jti"]

# Three segments of base64url without padding (RFC 7515 §7.1), the last of the 64 bytes of a signature,
# whose last character has but two bits to choose. What has another form is refused without a query.
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]")
_HUB_KID = re.compile(rf"[A-Za-z0-9_-]{{{KID_CHARACTERS}}}")


class Header(Struct, forbid_unknown_fields=True):
    """All that a token's header may say; so none of `crit`, `jwk`, `jku`, `x5u` and the like."""

    alg: Literal["EdDSA"]
    kid: Annotated[str, Meta(max_length=64)]
    typ: Annotated[str, Meta(pattern=strict("^(?i:jwt)$"))] | None = None


class Claims(Struct):
    """The claims that count, in their types; others are ignored (RFC 7519 §4)."""

    iss: str
    sub: str
    aud: str
    iat: int | float
    exp: int | float
    jti: Annotated[str, Meta(min_length=1, max_length=255)]
    nbf: int | float = 0
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who presents a token: a session, with the key that registered it, and what the token allows."""

    key: KeyIdentity
    scopes: frozenset[str]
    token: SessionToken


class _Refused(Exception):
    """The token is not accepted; to its bearer all reasons look alike."""


_cache: dict[bytes, tuple[float, Bearer]] = {}


def forget_cached_tokens() -> None:
    """Empty the cache, for a test that changes a session within the cache's second."""
    _cache.clear()


def verify(token: str) -> Bearer | None:
    """Return who presents a token, or None if it is not accepted.

    As an API key, a token is looked into at most once in `CACHE_SECONDS` in a process: what ends its
    session or its key takes effect within that time.
    """
    if len(token) > TOKEN_CHARACTERS or not _FORM.fullmatch(token):
        return None
    digest = hashlib.sha256(token.encode()).digest()
    cached = _cache.get(digest)
    now = time.monotonic()
    if cached is not None and now - cached[0] < CACHE_SECONDS:
        return cached[1] if cached[1].token.expires_at + LEEWAY > timezone.now() else None
    try:
        bearer = _verified(token)
    except (_Refused, jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        return None
    if len(_cache) >= CACHE_ENTRIES:
        _cache.clear()
    _cache[digest] = (now, bearer)
    return bearer


def _verified(token: str) -> Bearer:
    header = msgspec.json.decode(jwt.utils.base64url_decode(token.split(".")[0]), type=Header)
    if session_id := parse_id(SESSION, header.kid):
        session = _session(session_id)
        if session.public_key is None:
            raise _Refused
        claims = _claims(token, read_public_key(session.public_key), max_seconds=SELF_SIGNED_SECONDS)
        if not claims.iss == claims.sub == header.kid:
            raise _Refused
    else:
        public_key = public_key_of(header.kid) if _HUB_KID.fullmatch(header.kid) else None
        if public_key is None:
            raise _Refused
        claims = _claims(token, public_key, max_seconds=MAX_TTL_SECONDS)
        if claims.iss != settings.HUB_ORIGIN or (subject := parse_id(SESSION, claims.sub)) is None:
            raise _Refused
        session = _session(subject)
    record_use(session.key)
    key = identity_of(session.key, None)
    expires_at = datetime.fromtimestamp(claims.exp, tz=UTC)
    return Bearer(key, key.scopes & _scopes(claims), SessionToken(session.pk, expires_at))


def _session(session_id: str) -> Session:
    """Return a live session of whatever realm: who presents a token is known only after this."""
    live = Session.objects.exclude(status=Session.Status.DEREGISTERED)
    session = live.select_related("key__realm").filter(pk=session_id).first()
    if session is None or session.key.realm.status == Realm.Status.DELETED:
        raise _Refused
    return session


def _claims(token: str, public_key: Ed25519PublicKey, *, max_seconds: int) -> Claims:
    """Return the claims of a token whose signature and times are right."""
    decode: Callable[..., object] = jwt.decode
    said = decode(
        token,
        public_key,
        algorithms=["EdDSA"],
        audience=settings.HUB_ORIGIN,
        leeway=LEEWAY_SECONDS,
        options={"require": REQUIRED, "strict_aud": True},
    )
    claims = msgspec.convert(said, Claims)
    if not 0 < claims.exp - claims.iat <= max_seconds:
        raise _Refused
    return claims


def _scopes(claims: Claims) -> frozenset[str]:
    """Return what the `scope` claim names (RFC 8693 §4.2); a token without one has all that the key has."""
    if claims.scope is None:
        return frozenset(SCOPES)
    named = frozenset(claims.scope.split(" "))
    if not named <= frozenset(SCOPES):
        raise _Refused
    return named
