"""Retention: what is dropped from inboxes, and when."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from hub.messages.inbox import lock_inboxes, mark_read
from hub.messages.models import Delivery, Message
from hub.sessions.models import Session
from realms.spans import span

DAY = timedelta(days=1)


def sweep_messages(*, limit: int = 1000) -> int:
    """Take out of inboxes what expired, and what was read longer ago than the realm's retention.

    An inbox at a time, under its lock. The message itself goes when no inbox holds it and it is as old as
    the retention, so that its sender can see until then what became of it.

    Returns:
        How many messages left an inbox, each of at most `limit` inboxes counted.
    """
    over = Delivery.objects.filter(
        Q(message__expires_at__lte=Now()) | Q(read_at__lt=Now() - span("message__realm__retention_days", DAY))
    )
    dropped = 0
    inboxes_over = over.order_by().values_list("recipient_id", flat=True).distinct()
    for session in Session.objects.filter(pk__in=list(inboxes_over[:limit])):
        with transaction.atomic():
            inboxes = lock_inboxes(session.realm_id, [session.pk])
            seqs = list(over.filter(recipient=session).values_list("seq", flat=True)[:limit])
            for inbox in inboxes:
                mark_read(inbox, seqs)
            Delivery.objects.filter(recipient=session, seq__in=seqs).delete()
            dropped += len(seqs)
    old = Message.objects.filter(deliveries=None, sent_at__lt=Now() - span("realm__retention_days", DAY))
    Message.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()
    return dropped
