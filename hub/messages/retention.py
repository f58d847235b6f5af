"""Retention: what is dropped from inboxes, and when.

Each of these does a bounded part and returns how much it was; repeated, they find the rest. What they look
for they find by an index, so that what a part costs does not depend on how much is kept.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import timedelta
from itertools import islice

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef
from django.db.models.functions import Now

from hub.messages.models import Delivery, Inbox, Message
from hub.sessions.models import Session
from realms.models import Realm
from realms.spans import span

DAY = timedelta(days=1)
MESSAGES_PER_LOOK = 5000
SESSIONS_PER_LOOK = 50
ROWS_PER_STEP = 1000
INBOXES_PER_LOCK = 20  # locked together: more make senders wait, fewer make the work long
_KEPT_SINCE = Now() - span("realm__retention_days", DAY)
_UNHELD = ~Exists(Delivery.objects.filter(message=OuterRef("pk")))


def drop_expired(*, limit: int = MESSAGES_PER_LOOK) -> int:
    """Take at most `limit` messages that expired out of inboxes, which have room for others then.

    The messages stay until the realm's retention is over, so that their senders see what became of them.

    Returns:
        How many messages it was.
    """
    expired = Message.objects.filter(expires_at__lte=Now(), is_dropped=False).order_by("expires_at")
    chosen = list(expired.values_list("pk", flat=True)[:limit])
    held: dict[str, list[int]] = defaultdict(list)
    for session_id, seq in Delivery.objects.filter(message__in=chosen).values_list("recipient_id", "seq"):
        held[session_id].append(seq)
    while held:
        together = list(islice(held, INBOXES_PER_LOCK))
        _take_out({session_id: held.pop(session_id) for session_id in together})
    return Message.objects.filter(pk__in=chosen, is_dropped=False).update(is_dropped=True)


def _take_out(held: Mapping[str, Collection[int]]) -> None:
    """Delete what inboxes hold under these numbers, and count it off where it was unread."""
    numbers = [(session_id, seq) for session_id, seqs in held.items() for seq in seqs]
    with transaction.atomic():
        # In the order in which everybody locks them; a deregistered session has none any more.
        list(Inbox.objects.select_for_update().filter(pk__in=held).order_by("pk").values_list("pk"))
        there = Delivery.objects.filter(pk__in=numbers)
        alike: dict[int, list[str]] = defaultdict(list)  # by how many of an inbox were unread
        unread = there.filter(read_at=None).order_by().values_list("recipient_id")
        for session_id, count in unread.annotate(Count("seq")):
            alike[count].append(session_id)
        there.delete()
        for count, session_ids in alike.items():
            Inbox.objects.filter(pk__in=session_ids).update(unread=F("unread") - count)


def drop_read(*, limit: int = SESSIONS_PER_LOOK) -> int:
    """Take out of at most `limit` inboxes what was read longer ago than the realm keeps it.

    A message goes with the last inbox that held it.

    Returns:
        How many messages left an inbox, each of its inboxes counted.
    """
    old = Delivery.objects.filter(recipient=OuterRef("pk"), read_at__lt=OuterRef("kept_since"))
    sessions = Session.objects.annotate(kept_since=_KEPT_SINCE).filter(Exists(old))
    return sum(map(_drop_read_of, sessions.order_by().values_list("pk", flat=True)[:limit]))


def _drop_read_of(session_id: str) -> int:
    with transaction.atomic():
        kept_since = Now() - span("recipient__realm__retention_days", DAY)
        old = Delivery.objects.filter(recipient=session_id, read_at__lt=kept_since).order_by("read_at")
        found = dict(old.values_list("seq", "message_id")[:ROWS_PER_STEP])
        dropped, _ = Delivery.objects.filter(recipient=session_id, seq__in=found).delete()
        _delete(found.values())
    return dropped


def drop_unheld(*, limit: int = ROWS_PER_STEP) -> int:
    """Delete, of each realm, at most `limit` messages that no inbox holds and that are past the retention.

    They expired, or left with a recipient that never read them. One realm is looked at after the other,
    since an index has their messages by age.

    Returns:
        How many messages it was.
    """
    old = Message.objects.filter(realm=OuterRef("pk"), sent_at__lt=OuterRef("kept_since"))
    realms = Realm.objects.annotate(kept_since=Now() - span("retention_days", DAY)).filter(Exists(old))
    deleted = 0
    for realm_id in realms.order_by().values_list("pk", flat=True):
        unheld = Message.objects.in_realm(realm_id).filter(_UNHELD, sent_at__lt=_KEPT_SINCE)
        deleted += _delete(list(unheld.order_by("sent_at").values_list("pk", flat=True)[:limit]))
    return deleted


def _delete(message_ids: Collection[str]) -> int:
    """Delete those of these messages that no inbox holds; return how many it were."""
    unheld = Message.objects.filter(_UNHELD, pk__in=message_ids)
    return unheld.only("pk").delete()[1].get(Message._meta.label, 0)
