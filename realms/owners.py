"""Realms: make one, find one by owner and slug as the commands name it, set it up, suspend it."""

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.models import Realm
from realms.refusal import refusal_at

_ACTION = {Realm.Status.ACTIVE: "realm.resumed", Realm.Status.SUSPENDED: "realm.suspended"}


def create_realm(*, owner: User, slug: str, by: Actor) -> Realm:
    """Make a realm; its owner has none of the same slug.

    Raises:
        Refusal: `invalid_request`, `realm_slug_taken`.
    """
    realm = Realm(owner=owner, slug=slug)
    try:
        realm.clean_fields(exclude=["owner"])
    except ValidationError as error:
        raise refusal_at("/slug", " ".join(error.messages)) from None
    try:
        with transaction.atomic():
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
    realm = Realm.objects.present().filter(owner__email=owner_email.strip().lower(), slug=slug).first()
    if realm is None:
        raise refusal_at("/realm", f"{owner_email} has no realm {slug}.")
    return realm


def change_settings(*, realm: Realm, names: Collection[str], by: Actor) -> None:
    """Write the settings `names` of `realm` as they stand on it, which were validated."""
    if not names:
        return
    with transaction.atomic():
        before = Realm.objects.select_for_update(no_key=True).get(pk=realm.pk)
        # As text: a number may be larger than RFC 8785, which the audit log is digested with, can write.
        changes = {name: [str(getattr(before, name)), str(getattr(realm, name))] for name in names}
        realm.save(update_fields=list(names))
        audit.append("realm.settings_changed", realm_id=realm.pk, by=by, target=realm.pk, details=changes)


def set_realm_status(*, realm: Realm, status: Realm.Status, by: Actor) -> None:
    """Suspend or resume `realm`; its keys' caches notice within a second."""
    with transaction.atomic():
        if Realm.objects.filter(pk=realm.pk).exclude(status=status).update(status=status):
            audit.append(_ACTION[status], realm_id=realm.pk, by=by, target=realm.pk)
    realm.status = status
