"""API keys: issue, rotate, disable and enable, revoke. The console and the commands call the same."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.ceilings import refuse_above_ceiling, refuse_another_key
from realms.key_format import digest_of, new_plaintext
from realms.models import ApiKey, ApiKeySecret, Realm
from realms.refusal import Refusal, refusal_at

SCOPES = ("read", "write")
# For how long a secret goes on working after its key got a new one.
GRACES = {
    "none": timedelta(0),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}

Status = ApiKey.Status
_ACTION = {Status.ACTIVE: "key.enabled", Status.DISABLED: "key.disabled", Status.REVOKED: "key.revoked"}


def issue_key(
    *,
    realm: Realm,
    name: str,
    by: Actor,
    scopes: list[str] | None = None,
    expires_at: datetime | None = None,
    reads_per_minute: int | None = None,
    writes_per_minute: int | None = None,
) -> tuple[ApiKey, str]:
    """Make a key of `realm` and return it with its plaintext, which is never to be had again.

    Args:
        scopes: some of `SCOPES`; all of them if None.
        expires_at: when the key ends; None for never.
        reads_per_minute: requests; None for the realm's, 0 for no limit. Likewise writes.

    Raises:
        Refusal: `invalid_request`, for a scope, a name, an expiry or a limit that cannot be;
            `quota_exceeded`, if the realm has as many keys as it may have.
    """
    scopes = list(dict.fromkeys(SCOPES if scopes is None else scopes))
    if not scopes or not set(scopes) <= set(SCOPES):
        raise refusal_at("/scopes", f"Scopes are {' and '.join(SCOPES)}; give at least one.")
    if not (1 <= len(name.strip()) <= 64 and name.strip().isprintable()):
        raise refusal_at("/name", "A key's name has 1 to 64 characters that can be printed.")
    if expires_at is not None and expires_at <= timezone.now():
        raise refusal_at("/expires_at", "The expiry has to be in the future.")
    refuse_above_ceiling(by=by, reads_per_minute=reads_per_minute, writes_per_minute=writes_per_minute)
    with transaction.atomic():
        refuse_another_key(realm=realm, by=by)
        key = ApiKey.objects.create(
            realm=realm,
            name=name.strip(),
            scopes=scopes,
            expires_at=expires_at,
            reads_per_minute=reads_per_minute,
            writes_per_minute=writes_per_minute,
            created_by=by.user,
        )
        plaintext = _new_secret(key)
        audit.append(
            "key.issued",
            realm_id=realm.pk,
            by=by,
            target=key.pk,
            details={
                "name": key.name,
                "scopes": scopes,
                "expires_at": expires_at.isoformat() if expires_at else None,
            },
        )
    return key, plaintext


def rotate_key(*, key: ApiKey, grace: timedelta, by: Actor, force: bool = False) -> str:
    """Give a key a new secret and return its plaintext, which is never to be had again.

    Id, sessions and limits stay. The old secret goes on working for the grace, and never beyond the key's
    own expiry.

    Args:
        grace: one of `GRACES`.
        force: end the secret of the rotation before, whose grace is not over, now.

    Raises:
        Refusal: `invalid_request` (another grace), `key_revoked`, `key_expired`, `rotation_in_grace`.
    """
    if grace not in GRACES.values():
        raise refusal_at("/grace", f"A grace is one of {', '.join(GRACES)}.")
    with transaction.atomic():
        locked = _locked(key)
        now = timezone.now()
        if locked.expires_at is not None and locked.expires_at <= now:
            raise Refusal("key_expired", "The key has expired; issue a new one.")
        in_grace = locked.secrets.filter(expires_at__gt=now)
        if in_grace.exists() and not force:
            raise Refusal("rotation_in_grace")
        in_grace.update(expires_at=now)
        locked.secrets.filter(expires_at=None).update(expires_at=now + grace)
        plaintext = _new_secret(locked)
        audit.append(
            "key.rotated",
            realm_id=locked.realm_id,
            by=by,
            target=locked.pk,
            details={"grace_seconds": int(grace.total_seconds()), "forced": force},
        )
    return plaintext


def end_grace(*, key: ApiKey, by: Actor) -> None:
    """End the secret that a rotation left working, now; nothing happens if there is none.

    Raises:
        Refusal: `key_revoked`.
    """
    with transaction.atomic():
        locked = _locked(key)
        now = timezone.now()
        if locked.secrets.filter(expires_at__gt=now).update(expires_at=now):
            audit.append("key.grace_ended", realm_id=locked.realm_id, by=by, target=locked.pk)


def set_status(*, key: ApiKey, status: ApiKey.Status, by: Actor) -> None:
    """Enable, disable or revoke `key`; what is revoked stays revoked.

    Raises:
        Refusal: `key_revoked`.
    """
    with transaction.atomic():
        locked = _locked(key)
        if locked.status != status:
            locked.status = status
            locked.save(update_fields=["status"])
            audit.append(_ACTION[status], realm_id=key.realm_id, by=by, target=key.pk)
    key.status = status


def _locked(key: ApiKey) -> ApiKey:
    """Return a key as it is now, locked until the commit; a revoked one is refused."""
    locked = ApiKey.objects.in_realm(key.realm_id).select_for_update(no_key=True).get(pk=key.pk)
    if locked.status == Status.REVOKED:
        raise Refusal("key_revoked", "A revoked key stays revoked; issue a new one.")
    return locked


def _new_secret(key: ApiKey) -> str:
    plaintext = new_plaintext()
    ApiKeySecret.objects.create(key=key, digest=digest_of(plaintext), last_four=plaintext[-4:])
    return plaintext
