"""The sessions' public keys: Ed25519 (RFC 8032), as SPKI (RFC 8410 §4) or as the raw 32 bytes."""

import base64
import binascii
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PREFIX = "ed25519:"
SPKI_HEADER = bytes.fromhex("302a300506032b6570032100")
RAW_BYTES = 32
SIGNATURE_BYTES = 64

_P = 2**255 - 19
# y of the points of order 1, 2, 4 and 8: whoever "signs" with one of them signs anything at all.
_ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER_Y = {0, 1, _P - 1, _ORDER_8_Y, _P - _ORDER_8_Y}


def _decoded(text: str) -> bytes:
    if not text.startswith(PREFIX):
        raise ValueError(f"It has to begin with `{PREFIX}`")
    try:
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("What follows `ed25519:` is not base64") from None


def read_public_key(text: str) -> Ed25519PublicKey:
    """Return the key of `ed25519:` and base64.

    Raises:
        ValueError: it has another form, is no point of the curve, or is one of small order.
    """
    key = _decoded(text)
    if len(key) == len(SPKI_HEADER) + RAW_BYTES and key.startswith(SPKI_HEADER):
        key = key.removeprefix(SPKI_HEADER)
    if len(key) != RAW_BYTES:
        raise ValueError("It has to hold the 44 bytes of an Ed25519 SPKI, or the raw 32 bytes")
    y = int.from_bytes(key, "little") & (2**255 - 1)
    if y >= _P or y in _SMALL_ORDER_Y or not _is_on_curve(y):
        raise ValueError("It is not the public key of an Ed25519 key pair")
    return Ed25519PublicKey.from_public_bytes(key)


def fingerprint(text: str) -> str:
    """Return `SHA256:` and the base64, without padding, of the SHA-256 of a public key's 44-byte SPKI.

    It is the same for both forms of a key, and is written as OpenSSH writes its own.

    Raises:
        ValueError: as `read_public_key`.
    """
    digest = hashlib.sha256(SPKI_HEADER + read_public_key(text).public_bytes_raw()).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _is_on_curve(y: int) -> bool:
    """Tell whether x² = (y² - 1) / (d·y² + 1) has a solution (RFC 8032 §5.1.3)."""
    d = -121665 * pow(121666, -1, _P) % _P
    square = (y * y - 1) * pow(d * y * y + 1, -1, _P) % _P
    return square == 0 or pow(square, (_P - 1) // 2, _P) == 1


def verifies(public_key: str, signature: str, message: bytes) -> bool:
    """Tell whether `signature` (`ed25519:` and base64) is that of `message` under `public_key`."""
    try:
        signed = _decoded(signature)
        read_public_key(public_key).verify(signed, message)
    except (ValueError, InvalidSignature):
        return False
    return len(signed) == SIGNATURE_BYTES
