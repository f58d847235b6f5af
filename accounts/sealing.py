"""Sealing: what the database keeps and only this hub may read (Fernet, with a key made of SECRET_KEY)."""

import base64
from collections.abc import Sequence
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"aisp-hub sealing"


def _fernet(secret_key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


@lru_cache(maxsize=4)
def _sealer(secret_keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([_fernet(key) for key in secret_keys])


def _current() -> MultiFernet:
    return _sealer((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def seal(content: bytes) -> str:
    """Return what may lie in the database."""
    return _current().encrypt(content).decode()


def unseal(sealed: str) -> bytes | None:
    """Return what was sealed; None if it was with a SECRET_KEY that this hub does not have (any more)."""
    try:
        return _current().decrypt(sealed)
    except InvalidToken:
        return None


def can_unseal(sealed: str, secret_keys: Sequence[str]) -> bool:
    """Tell whether something was sealed with one of these keys."""
    try:
        _sealer(tuple(secret_keys)).decrypt(sealed)
    except InvalidToken:
        return False
    return True
