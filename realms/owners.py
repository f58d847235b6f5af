"""Finding realms by owner and slug, as the commands name them, and making them."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from realms.models import Realm
from realms.refusal import refusal_at


def create_realm(*, owner: User, slug: str) -> Realm:
    """Make a realm; its owner has none of the same slug.

    Raises:
        Refusal: `invalid_request`.
    """
    realm = Realm(owner=owner, slug=slug)
    try:
        realm.clean_fields(exclude=["owner"])
    except ValidationError as error:
        raise refusal_at("/slug", " ".join(error.messages)) from None
    try:
        with transaction.atomic():
            realm.save(force_insert=True)
    except IntegrityError:
        raise refusal_at("/slug", f"{owner} has a realm {slug} already.") from None
    return realm


def realm_of(*, owner_email: str, slug: str) -> Realm:
    """Return an owner's realm.

    Raises:
        Refusal: `invalid_request`, naming what is not there.
    """
    realm = Realm.objects.filter(owner__email=owner_email.strip().lower(), slug=slug).first()
    if realm is None:
        raise refusal_at("/realm", f"{owner_email} has no realm {slug}.")
    return realm
