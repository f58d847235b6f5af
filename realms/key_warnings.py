"""Mail to a realm's people before one of its keys ends, so that its agents do not stop by surprise."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from realms.members.models import Role
from realms.models import ApiKey, ApiKeyQuerySet, Realm

WARNING_DAYS = (7, 1)  # before the end, each once
KEYS_PER_BATCH = 100

log = structlog.get_logger(__name__)


def warn_of_key_ends(*, limit: int = KEYS_PER_BATCH) -> int:
    """Tell those who may issue keys of at most `limit` keys that end soon; return how many keys it were.

    A key is claimed before the mail is sent, so that no two workers send it. Where the mail server does not
    take it, the next time tries again.
    """
    now = timezone.now()
    warned = 0
    for days in sorted(WARNING_DAYS):
        for key in _ending(now, days).select_related("realm__owner").order_by("expires_at")[: limit - warned]:
            warned += _warn(key, days)
    return warned


def _ending(now: datetime, days: int) -> ApiKeyQuerySet:
    """Return the keys that end within so many days and whose people were not told yet that they do."""
    live = ApiKey.objects.filter(status=ApiKey.Status.ACTIVE, realm__status=Realm.Status.ACTIVE)
    soon = live.filter(expires_at__gt=now, expires_at__lte=now + timedelta(days=days))
    return soon.filter(Q(warned_days=None) | Q(warned_days__gt=days))


def _warn(key: ApiKey, days: int) -> bool:
    before = key.warned_days
    claimed = ApiKey.objects.in_realm(key.realm_id).filter(pk=key.pk, warned_days=before)
    if not claimed.update(warned_days=days):
        return False
    said = {"key": key, "link": settings.HUB_ORIGIN + reverse("realm-key", args=[key.realm_id, key.pk])}
    try:
        send_mail(
            f"The API key {key.name} of {key.realm.slug} ends soon",
            render_to_string("mail/key_ends.txt", said),
            None,
            list(_addresses(key.realm)),
        )
    except (SMTPException, OSError) as error:
        log.warning("a warning of a key's end was not sent", key_id=key.pk, error=repr(error))
        ApiKey.objects.in_realm(key.realm_id).filter(pk=key.pk, warned_days=days).update(warned_days=before)
        return False
    return True


def _addresses(realm: Realm) -> Iterator[str]:
    if realm.owner.is_active:
        yield realm.owner.email
    admins = realm.memberships.filter(role=Role.ADMIN, user__is_active=True)
    yield from admins.values_list("user__email", flat=True)
