"""Bearer tokens, good ones and forged ones."""

from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from hub.sessions.models import Session
from hub.tokens.signing_keys import signer
from tests.isolation.tenants import private_key

HUB = "http://testserver"


def self_signed(session: Session, *, kid: str | None = None, **claims: Any) -> str:
    """Return a token that a session signs; `kid` and `claims` may say what is not so."""
    said = {"iss": session.pk, "sub": session.pk, **_standing(), **claims}
    return _signed(said, private_key(session.name), kid or session.pk)


def hub_signed(session: Session, **claims: Any) -> str:
    """Return a token as the hub issues it for a session."""
    kid, private = signer()
    return _signed({"iss": HUB, "sub": session.pk, **_standing(), **claims}, private, kid)


def forged_for_hub(session: Session, by: Session) -> str:
    """Return a token that says that the hub issued it for a session, signed by another session."""
    kid, _ = signer()
    return _signed({"iss": HUB, "sub": session.pk, **_standing()}, private_key(by.name), kid)


def overdue(session: Session) -> str:
    """Return a session's token whose time is over."""
    began = int((timezone.now() - timedelta(minutes=20)).timestamp())
    return self_signed(session, iat=began, exp=began + 600)


def _standing() -> dict[str, Any]:
    now = int(timezone.now().timestamp())
    return {"aud": HUB, "iat": now, "exp": now + 600, "jti": "isolation"}


def _signed(claims: dict[str, Any], private: Ed25519PrivateKey, kid: str) -> str:
    return jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": kid})
