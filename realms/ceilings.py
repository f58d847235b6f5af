"""What the hub's operator lets the owners of realms have: requests a minute, keys, and realms."""

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from realms.audit.actor import Actor
from realms.models import ApiKey, Realm
from realms.refusal import Refusal, refusal_at


def refuse_above_ceiling(*, by: Actor, reads_per_minute: int | None, writes_per_minute: int | None) -> None:
    """Raise `Refusal` `invalid_request` for limits that `by` may not set; operators may set any.

    Args:
        reads_per_minute: 0 for no limit, None for what is inherited. Likewise writes.
    """
    if by.runs_hub:
        return
    asked = {"reads": reads_per_minute, "writes": writes_per_minute}
    most = {"reads": settings.HUB_MOST_READS_PER_MINUTE, "writes": settings.HUB_MOST_WRITES_PER_MINUTE}
    for what, limit in asked.items():
        if most[what] and limit is not None and not 1 <= limit <= most[what]:
            detail = f"This hub allows 1 to {most[what]} {what} a minute."
            raise refusal_at(f"/{what}_per_minute", detail)


def refuse_another_key(*, realm: Realm, by: Actor) -> None:
    """Raise `Refusal` `quota_exceeded` if `realm` has as many keys as it may have; operators may add more.

    Keys that are revoked or expired do not count. Call it in the transaction that adds the key: the realm's
    row stays locked until the commit, so that two requests cannot both take the last place.
    """
    if by.runs_hub or not settings.HUB_MOST_KEYS:
        return
    Realm.objects.select_for_update(no_key=True).get(pk=realm.pk)
    working = ApiKey.objects.in_realm(realm.pk).exclude(status=ApiKey.Status.REVOKED)
    if working.filter(Q(expires_at=None) | Q(expires_at__gt=Now())).count() >= settings.HUB_MOST_KEYS:
        raise Refusal(
            "quota_exceeded",
            f"A realm may have {settings.HUB_MOST_KEYS} keys. Revoke a key that is not needed, or ask the "
            "operator for more.",
        )


def refuse_another_realm(*, owner: User, by: Actor) -> None:
    """Raise `Refusal` `quota_exceeded` if `owner` has as many realms as a person may own.

    Operators may add more. Call it in the transaction that gives the realm to `owner`: the person's row
    stays locked until the commit, so that two requests cannot both take the last place.
    """
    if by.runs_hub or not settings.HUB_MOST_REALMS:
        return
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    if Realm.objects.present().filter(owner=owner).count() >= settings.HUB_MOST_REALMS:
        raise Refusal(
            "quota_exceeded",
            f"A person may own {settings.HUB_MOST_REALMS} realms, and {owner.email} does. Delete a realm or "
            "hand it over to another member, or ask the operator for more.",
        )
