"""What an API key looks like, which can be told without asking the hub.

A key reads `aisp_`, 32 random base62 characters (190 bits), and 6 base62 characters of the CRC-32 of what
stands before them, so that a scanner or a client tells a real key from a typo. Only the SHA-256 of a key
is kept: with 190 random bits there is nothing to guess, and a slow hash would only make each request slow.
"""

import hashlib
import re
import secrets
import zlib
from collections.abc import Iterator

PREFIX = "aisp_"
RANDOM_CHARACTERS = 32
CHECKSUM_CHARACTERS = 6
KEY_PATTERN = r"aisp_[0-9A-Za-z]{38}"

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEY = re.compile(KEY_PATTERN)
# What stands in a text, with nothing around it that would make it part of something longer.
_KEY_IN_TEXT = re.compile(rf"(?<![0-9A-Za-z_]){KEY_PATTERN}(?![0-9A-Za-z_])")


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits


def new_plaintext() -> str:
    """Return a new key's plaintext."""
    body = PREFIX + "".join(secrets.choice(_BASE62) for _ in range(RANDOM_CHARACTERS))
    return body + _checksum(body)


def is_well_formed(presented: str) -> bool:
    """Tell whether `presented` has the form and the checksum of a key; asks nobody."""
    if not _KEY.fullmatch(presented):
        return False
    body, checksum = presented[:-CHECKSUM_CHARACTERS], presented[-CHECKSUM_CHARACTERS:]
    return secrets.compare_digest(_checksum(body), checksum)


def keys_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield position and plaintext of every key in a text, those with a wrong checksum left out."""
    for match in _KEY_IN_TEXT.finditer(text):
        if is_well_formed(match[0]):
            yield match.start(), match[0]


def digest_of(plaintext: str) -> bytes:
    """Return the 32 bytes under which the database knows a key."""
    return hashlib.sha256(plaintext.encode()).digest()
