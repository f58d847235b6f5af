"""API keys: make, check, issue, look up, end.

A key reads `aisp_`, 32 random base62 characters (190 bits), and 6 base62 characters of the CRC-32 of what
stands before them, so that a scanner or a client tells a real key from a typo without asking the hub.
Only the SHA-256 of a key is kept: with 190 random bits there is nothing to guess, and a slow hash would
only make each request slow.
"""

import hashlib
import re
import secrets
import time
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from realms.models import ApiKey, ApiKeySecret, Realm
from realms.refusal import Refusal, refusal_at

PREFIX = "aisp_"
RANDOM_CHARACTERS = 32
CHECKSUM_CHARACTERS = 6
KEY_PATTERN = r"aisp_[0-9A-Za-z]{38}"
SCOPES = ("read", "write")
CACHE_SECONDS = 1.0
CACHE_ENTRIES = 10_000
USE_GRAIN = timedelta(minutes=1)

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEY = re.compile(KEY_PATTERN)


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """Who presents a key: what a request needs to know of key and realm."""

    key_id: str
    realm_id: str
    realm_slug: str
    scopes: frozenset[str]
    inbox_limit: int
    require_signatures: bool
    realm_suspended: bool
    status: str
    expires_at: datetime | None
    secret_id: int

    def refuse_unless_live(self) -> None:
        """Raise `Refusal` if the key no longer opens anything now.

        Raises:
            Refusal: `key_revoked`, `key_expired`, `invalid_credentials` (disabled) or `realm_suspended`.
        """
        if self.status == ApiKey.Status.REVOKED:
            raise Refusal("key_revoked")
        if self.expires_at is not None and self.expires_at <= timezone.now():
            raise Refusal("key_expired")
        if self.status != ApiKey.Status.ACTIVE:
            raise Refusal("invalid_credentials")
        if self.realm_suspended:
            raise Refusal("realm_suspended")


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


def digest_of(plaintext: str) -> bytes:
    """Return the 32 bytes under which the database knows a key."""
    return hashlib.sha256(plaintext.encode()).digest()


def issue_key(
    *,
    realm: Realm,
    name: str,
    by: User | None,
    scopes: list[str] | None = None,
    expires_at: datetime | None = None,
    reads_per_minute: int | None = None,
    writes_per_minute: int | None = None,
) -> tuple[ApiKey, str]:
    """Make a key of `realm` and return it with its plaintext, which is never to be had again.

    Args:
        scopes: some of `SCOPES`; all of them if None.
        expires_at: when the key ends; None for never.
        reads_per_minute: requests; None for the hub's default, 0 for no limit. Likewise writes.

    Raises:
        Refusal: `invalid_request`, for a scope, a name or an expiry that cannot be.
    """
    scopes = list(dict.fromkeys(SCOPES if scopes is None else scopes))
    if not scopes or not set(scopes) <= set(SCOPES):
        raise refusal_at("/scopes", f"Scopes are {' and '.join(SCOPES)}; give at least one.")
    if not (1 <= len(name.strip()) <= 64 and name.strip().isprintable()):
        raise refusal_at("/name", "A key's name has 1 to 64 characters that can be printed.")
    if expires_at is not None and expires_at <= timezone.now():
        raise refusal_at("/expires_at", "The expiry has to be in the future.")
    plaintext = new_plaintext()
    with transaction.atomic():
        key = ApiKey.objects.create(
            realm=realm,
            name=name.strip(),
            scopes=scopes,
            expires_at=expires_at,
            reads_per_minute=reads_per_minute,
            writes_per_minute=writes_per_minute,
            created_by=by,
        )
        ApiKeySecret.objects.create(key=key, digest=digest_of(plaintext), last_four=plaintext[-4:])
    return key, plaintext


def set_status(*, key: ApiKey, status: ApiKey.Status) -> None:
    """Enable, disable or revoke `key`; what is revoked stays revoked.

    Raises:
        Refusal: `key_revoked`.
    """
    live = ApiKey.objects.in_realm(key.realm_id).filter(pk=key.pk).exclude(status=ApiKey.Status.REVOKED)
    if not live.update(status=status):
        raise Refusal("key_revoked", "A revoked key stays revoked; issue a new one.")
    key.status = status


def set_realm_status(*, realm: Realm, status: Realm.Status) -> None:
    """Suspend or resume `realm`; its keys' caches notice within `CACHE_SECONDS`."""
    Realm.objects.filter(pk=realm.pk).update(status=status)
    realm.status = status


_cache: dict[bytes, tuple[float, KeyIdentity]] = {}


def forget_cached_keys() -> None:
    """Empty the cache, for a test that changes a key within the cache's second."""
    _cache.clear()


def look_up(presented: str) -> KeyIdentity | None:
    """Return who presents a key, or None for one that was never issued; ended keys are returned too.

    A key is asked for at most once in `CACHE_SECONDS` in a process, so that a change of it or of its
    realm takes effect everywhere within that time, without a message that could get lost.
    """
    if not is_well_formed(presented):
        return None
    digest = digest_of(presented)
    cached = _cache.get(digest)
    now = time.monotonic()
    if cached is not None and now - cached[0] < CACHE_SECONDS:
        return cached[1]
    secret = ApiKeySecret.objects.select_related("key__realm").filter(digest=digest).first()
    if secret is None:
        return None
    identity = _identity(secret)
    _record_use(secret.key)
    if len(_cache) >= CACHE_ENTRIES:
        _cache.clear()
    _cache[digest] = (now, identity)
    return identity


def current(secret_ids: list[int]) -> dict[int, KeyIdentity]:
    """Return the identities of secrets as they are now, for streams that outlive their first check."""
    found = ApiKeySecret.objects.select_related("key__realm").filter(pk__in=secret_ids)
    return {secret.pk: _identity(secret) for secret in found}


def _identity(secret: ApiKeySecret) -> KeyIdentity:
    key, realm = secret.key, secret.key.realm
    ends = [end for end in (secret.expires_at, key.expires_at) if end is not None]
    return KeyIdentity(
        key_id=key.pk,
        realm_id=realm.pk,
        realm_slug=realm.slug,
        scopes=frozenset(key.scopes),
        inbox_limit=realm.inbox_limit,
        require_signatures=realm.require_signatures,
        realm_suspended=realm.status == Realm.Status.SUSPENDED,
        status=key.status,
        expires_at=min(ends, default=None),
        secret_id=secret.pk,
    )


def _record_use(key: ApiKey) -> None:
    """Note that a key is in use, at most once in `USE_GRAIN`."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - USE_GRAIN:
        ApiKey.objects.in_realm(key.realm_id).filter(pk=key.pk).update(last_used_at=now)
