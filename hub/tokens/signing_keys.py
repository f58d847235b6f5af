"""The hub's signing keys: make, find, publish, rotate.

One key signs; the one before stays published until the last token that it signed is over. The private
halves lie sealed in the database, which all processes share.
"""

import base64
import hashlib
from datetime import timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.sealing import seal, unseal
from hub.tokens.models import SigningKey
from realms.refusal import Refusal

MAX_TTL_SECONDS = 3600
LEEWAY_SECONDS = 30
OVERLAP = timedelta(seconds=MAX_TTL_SECONDS + LEEWAY_SECONDS)


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def jwk_of(key: SigningKey) -> dict[str, str]:
    """Return the public half as a JSON Web Key (RFC 7517, RFC 8037 §2)."""
    x = _base64url(bytes(key.public_key))
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": key.kid, "alg": "EdDSA", "use": "sig"}


def _thumbprint(public_key: bytes) -> str:
    """Return the JWK thumbprint (RFC 7638 §3, RFC 8037 appendix A.3)."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public_key)}
    return _base64url(hashlib.sha256(msgspec.json.encode(members)).digest())


def published() -> list[SigningKey]:
    """Return the keys whose tokens are accepted now, the newest first."""
    return list(SigningKey.objects.live().order_by("-created_at"))


def public_key_of(kid: str) -> Ed25519PublicKey | None:
    """Return the public half of a live key, or None for any other id."""
    key = SigningKey.objects.live().filter(kid=kid).first()
    return Ed25519PublicKey.from_public_bytes(bytes(key.public_key)) if key else None


def signer() -> tuple[str, Ed25519PrivateKey]:
    """Return id and private half of the key that signs, which is made if there is none.

    A key that was sealed with another SECRET_KEY cannot sign any more and is replaced.
    """
    key = SigningKey.objects.filter(signs=True).first()
    private = unseal(key.sealed_private_key) if key else None
    if key is None or private is None:
        with transaction.atomic():
            _retire(key)
            try:
                with transaction.atomic():
                    key = _make()
            except IntegrityError:  # another process made one at the same moment
                key = SigningKey.objects.get(signs=True)
        private = unseal(key.sealed_private_key)
        assert private is not None
    return key.kid, Ed25519PrivateKey.from_private_bytes(private)


def rotate(*, force: bool = False) -> SigningKey:
    """Make a new signing key; the one before is accepted for as long as its tokens last.

    Args:
        force: even if the key of the rotation before is still accepted; it ends now, and its tokens too.

    Raises:
        Refusal: `rotation_in_grace`.
    """
    try:
        with transaction.atomic():
            return _rotated(force=force)
    except IntegrityError:
        raise Refusal("rotation_in_grace", "Another process made a signing key at this moment.") from None


def _rotated(*, force: bool) -> SigningKey:
    keys = list(SigningKey.objects.live().select_for_update())
    retired = [key for key in keys if not key.signs]
    if retired and not force:
        raise Refusal("rotation_in_grace", "The signing key before still has tokens; wait, or force it.")
    SigningKey.objects.filter(pk__in=[key.pk for key in retired]).update(expires_at=Now())
    for key in keys:
        if key.signs:
            _retire(key)
    return _make()


def _retire(key: SigningKey | None) -> None:
    if key is not None:
        SigningKey.objects.filter(pk=key.pk, signs=True).update(signs=False, expires_at=Now() + OVERLAP)


def _make() -> SigningKey:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    return SigningKey.objects.create(
        kid=_thumbprint(public), public_key=public, sealed_private_key=seal(private.private_bytes_raw())
    )
