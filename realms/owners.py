"""Realms: make one, find one by owner and slug as the commands name it, set it up, suspend, delete it."""

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.addresses import as_compared
from accounts.models import User
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.ceilings import refuse_above_ceiling, refuse_another_realm
from realms.models import Invitation, Realm
from realms.refusal import Refusal, refusal_at

# What a realm's own people may set; the rest is the operator's.
OWN_SETTINGS = (
    "retention_days",
    "audit_retention_days",
    "session_timeout_seconds",
    "session_expiry_days",
    "grant_max_days",
    "inbox_limit",
    "require_signatures",
    "reads_per_minute",
    "writes_per_minute",
)
INBOX_LIMIT_AT_MOST = 10_000
DELETED = "The realm was deleted; only its audit log is kept."
_ACTION = {Realm.Status.ACTIVE: "realm.resumed", Realm.Status.SUSPENDED: "realm.suspended"}


def create_realm(*, owner: User, slug: str, by: Actor) -> Realm:
    """Make a realm; its owner has none of the same slug.

    Raises:
        Refusal: `invalid_request`, `realm_slug_taken`, `quota_exceeded` (the owner has as many realms as a
            person may own).
    """
    realm = Realm(owner=owner, slug=slug)
    try:
        realm.clean_fields(exclude=["owner"])
    except ValidationError as error:
        raise refusal_at("/slug", " ".join(error.messages)) from None
    try:
        with transaction.atomic():
            refuse_another_realm(owner=owner, by=by)
            realm.save(force_insert=True)
            audit.append("realm.created", realm_id=realm.pk, by=by, target=realm.pk, details={"slug": slug})
    except IntegrityError:
        detail = f"{owner} has a realm {slug} already."
        raise refusal_at("/slug", detail, "realm_slug_taken") from None
    return realm


def realm_of(*, owner_email: str, slug: str) -> Realm:
    """Return an owner's realm.

    Raises:
        Refusal: `invalid_request`, naming what is not there.
    """
    realm = Realm.objects.present().filter(owner__email=as_compared(owner_email), slug=slug).first()
    if realm is None:
        raise refusal_at("/realm", f"{owner_email} has no realm {slug}.")
    return realm


def change_settings(*, realm: Realm, names: Collection[str], by: Actor) -> None:
    """Write the settings `names` of `realm` as they stand on it.

    Operators may set all of them; who only belongs to a realm, those of `OWN_SETTINGS` in their bounds.

    Raises:
        Refusal: `invalid_request` (a setting that `by` may not set, or a value that it may not have),
            `not_found` (the realm was deleted).
    """
    if not names:
        return
    _refuse_beyond(realm, names, by)
    with transaction.atomic():
        before = locked_realm(realm)
        # As text: a number may be larger than RFC 8785, which the audit log is digested with, can write.
        changes = {name: [str(getattr(before, name)), str(getattr(realm, name))] for name in names}
        realm.save(update_fields=list(names))
        audit.append("realm.settings_changed", realm_id=realm.pk, by=by, target=realm.pk, details=changes)


def _refuse_beyond(realm: Realm, names: Collection[str], by: Actor) -> None:
    fields = {field.name for field in realm._meta.fields}
    try:
        realm.clean_fields(exclude=fields.difference(names))
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise refusal_at(f"/{name}", " ".join(messages)) from None
    if by.runs_hub:
        return
    if others := set(names).difference(OWN_SETTINGS):
        raise refusal_at(f"/{min(others)}", f"The hub's operator sets {', '.join(sorted(others))}.")
    if "inbox_limit" in names and realm.inbox_limit > INBOX_LIMIT_AT_MOST:
        raise refusal_at("/inbox_limit", f"An inbox may hold at most {INBOX_LIMIT_AT_MOST} unread messages.")
    refuse_above_ceiling(
        by=by,
        reads_per_minute=realm.reads_per_minute if "reads_per_minute" in names else None,
        writes_per_minute=realm.writes_per_minute if "writes_per_minute" in names else None,
    )


def set_realm_status(*, realm: Realm, status: Realm.Status, by: Actor) -> None:
    """Suspend or resume `realm`; its keys' caches notice within a second.

    Raises:
        Refusal: `not_found`, for a realm that was deleted, which no status brings back.
    """
    assert status in _ACTION, "what is deleted is deleted by `delete_realm`"
    with transaction.atomic():
        locked = locked_realm(realm)
        if locked.status != status:
            locked.status = status
            locked.save(update_fields=["status"])
            audit.append(_ACTION[status], realm_id=realm.pk, by=by, target=realm.pk)
    realm.status = status


def delete_realm(*, realm: Realm, by: Actor) -> None:
    """End `realm` for good, as its owner or an operator: its keys are unknown within a second.

    One that is suspended may be ended too. What it holds is removed by a task afterwards; its audit log
    stays, and its name is free.

    Raises:
        Refusal: `not_found` (deleted already), `role_missing`.
    """
    with transaction.atomic():
        locked = locked_realm(realm)
        if not by.runs_hub and (by.user is None or by.user.pk != locked.owner_id):
            raise Refusal("role_missing")
        locked.status = Realm.Status.DELETED
        locked.save(update_fields=["status"])
        Invitation.objects.in_realm(realm.pk).delete()
        audit.append(
            "realm.deleted", realm_id=realm.pk, by=by, target=realm.pk, details={"slug": locked.slug}
        )
    realm.status = locked.status


def locked_realm(realm: Realm) -> Realm:
    """Return a realm as it is now, locked until the commit.

    Raises:
        Refusal: `not_found`, if it was deleted.
    """
    present = Realm.objects.present().select_for_update(no_key=True).filter(pk=realm.pk).first()
    if present is None:
        raise Refusal("not_found", DELETED)
    return present
