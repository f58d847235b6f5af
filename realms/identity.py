"""Who presents a key: the look-up that every request begins with."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from realms.key_format import digest_of, is_well_formed
from realms.models import ApiKey, ApiKeySecret, Realm
from realms.refusal import Refusal

CACHE_SECONDS = 1.0
CACHE_ENTRIES = 10_000
USE_GRAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """What a request needs to know of a key and its realm.

    Attributes:
        reads_per_minute: requests with the scope `read`; 0 for no limit. Likewise writes.
        secret_id: the secret that was presented; None where a token stands for the key.
    """

    key_id: str
    realm_id: str
    realm_slug: str
    scopes: frozenset[str]
    reads_per_minute: int
    writes_per_minute: int
    inbox_limit: int
    require_signatures: bool
    realm_suspended: bool
    status: str
    expires_at: datetime | None
    secret_id: int | None

    def refuse_unless_live(self) -> None:
        """Raise `Refusal` if the key no longer opens anything now.

        Raises:
            Refusal: `key_revoked`, `key_expired`, or `invalid_credentials` for a disabled one.
        """
        if self.status == ApiKey.Status.REVOKED:
            raise Refusal("key_revoked")
        if self.expires_at is not None and self.expires_at <= timezone.now():
            raise Refusal("key_expired")
        if self.status != ApiKey.Status.ACTIVE:
            raise Refusal("invalid_credentials")

    def refuse_if_suspended(self) -> None:
        """Raise `Refusal` `realm_suspended` if the realm is."""
        if self.realm_suspended:
            raise Refusal("realm_suspended")


_cache: dict[bytes, tuple[float, KeyIdentity]] = {}


def forget_cached_keys() -> None:
    """Empty the cache, for a test that changes a key within the cache's second."""
    _cache.clear()


def look_up(presented: str) -> KeyIdentity | None:
    """Return who presents a key, or None for one that was never issued; ended keys are returned too.

    The keys of a realm that was deleted are as if they had never been.

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
    if secret is None or not _is_present(secret.key):
        return None
    identity = identity_of(secret.key, secret)
    record_use(secret.key)
    if len(_cache) >= CACHE_ENTRIES:
        _cache.clear()
    _cache[digest] = (now, identity)
    return identity


def current(secret_ids: Collection[int]) -> dict[int, KeyIdentity]:
    """Return the identities of secrets as they are now, for streams that outlive their first check."""
    found = ApiKeySecret.objects.select_related("key__realm").filter(pk__in=secret_ids)
    return {secret.pk: identity_of(secret.key, secret) for secret in found if _is_present(secret.key)}


def current_keys(key_ids: Collection[str]) -> dict[str, KeyIdentity]:
    """Return the identities of keys as they are now, for streams that a token opened."""
    found = ApiKey.objects.select_related("realm").filter(pk__in=key_ids)
    return {key.pk: identity_of(key, None) for key in found if _is_present(key)}


def identity_of(key: ApiKey, secret: ApiKeySecret | None) -> KeyIdentity:
    """Return the identity of a key, fetched with its realm, that one of its secrets or none stands for."""
    realm = key.realm
    ends = [end for end in (secret.expires_at if secret else None, key.expires_at) if end is not None]
    return KeyIdentity(
        key_id=key.pk,
        realm_id=realm.pk,
        realm_slug=realm.slug,
        scopes=frozenset(key.scopes),
        reads_per_minute=_first(key.reads_per_minute, realm.reads_per_minute, settings.HUB_READS_PER_MINUTE),
        writes_per_minute=_first(
            key.writes_per_minute, realm.writes_per_minute, settings.HUB_WRITES_PER_MINUTE
        ),
        inbox_limit=realm.inbox_limit,
        require_signatures=realm.require_signatures,
        realm_suspended=realm.status == Realm.Status.SUSPENDED,
        status=key.status,
        expires_at=min(ends, default=None),
        secret_id=secret.pk if secret else None,
    )


def _is_present(key: ApiKey) -> bool:
    """Tell whether a key, fetched with its realm, is one of a realm that was not deleted."""
    return key.realm.status != Realm.Status.DELETED


def _first(*limits: int | None) -> int:
    """Return the limit that is nearest to the key."""
    return next(limit for limit in limits if limit is not None)


def record_use(key: ApiKey) -> None:
    """Note that a key is in use, at most once in `USE_GRAIN`."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - USE_GRAIN:
        ApiKey.objects.in_realm(key.realm_id).filter(pk=key.pk).update(last_used_at=now)
