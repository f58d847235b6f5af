"""The audit log's retention: the old end of a chain is cut off where a realm's settings say so.

What was cut off last stays with the chain's head as number and digest, so that the rest is still verified
from its first event on.
"""

from datetime import timedelta
from itertools import takewhile

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from realms.audit.models import AuditEvent, AuditHead
from realms.audit.rules import digest_of
from realms.models import Realm
from realms.spans import span

DAY = timedelta(days=1)
EVENTS_PER_CUT = 1000


def cut_audit_logs(*, limit: int = EVENTS_PER_CUT) -> int:
    """Cut off events that are older than their realm keeps them, of each realm at most `limit`.

    Returns:
        How many events it was.
    """
    old = AuditEvent.objects.filter(realm=OuterRef("pk"), at__lt=OuterRef("kept_since"))
    keeping = Realm.objects.filter(audit_retention_days__isnull=False)
    due = keeping.annotate(kept_since=Now() - span("audit_retention_days", DAY)).filter(Exists(old))
    return sum(_cut(realm, limit) for realm in due.only("audit_retention_days"))


def _cut(realm: Realm, limit: int) -> int:
    """Cut off the first events of a chain up to one that is kept, whatever the times of those behind it."""
    assert realm.audit_retention_days is not None
    kept_since = timezone.now() - realm.audit_retention_days * DAY
    with transaction.atomic():
        AuditHead.objects.select_for_update().get(realm=realm)
        first = AuditEvent.objects.in_realm(realm.pk)[:limit]
        old = list(takewhile(lambda event: event.at < kept_since, first))
        if not old:
            return 0
        last = old[-1]
        AuditHead.objects.filter(realm=realm).update(cut_number=last.number, cut_digest=digest_of(last))
        _delete_up_to(realm.pk, last.number)
        return len(old)


def _delete_up_to(realm_id: str, number: int) -> None:
    """Delete events, which the models refuse, and PostgreSQL but for those at which the chain was cut off."""
    cut_off = AuditEvent.objects.in_realm(realm_id).filter(number__lte=number)
    cut_off._raw_delete(cut_off.db)
