"""What waits: overdue periodic work, which tells whether a worker works at all, and unread messages."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count as CountOf
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Now

from hub.grants.models import Grant
from hub.messages.models import Delivery, Inbox
from hub.operations.looks import COUNTED_ROWS, Count, look
from hub.sessions.models import Session
from hub.sessions.presence import OpenStream
from realms.spans import span

LATE = timedelta(minutes=5)  # every task comes more often than this
INBOXES_SUMMED = 100_000


@dataclass(frozen=True, slots=True)
class Overdue:
    """Things whose time has come and that periodic work has not seen to yet.

    Attributes:
        count: how many; None if that could not be read.
        is_behind: whether some of them have waited for more than `LATE`.
    """

    what: str
    count: Count | None
    is_behind: bool = False


def overdue() -> list[Overdue]:
    """Return what each kind of periodic work has not seen to yet."""
    return [_overdue(what, due, since) for what, due, since in _WORK]


def unread() -> Count | None:
    """Return how many unread messages all inboxes hold; None if that could not be read."""

    def total() -> Count:
        inboxes = Inbox.objects.order_by("pk")[: INBOXES_SUMMED + 1]
        found = inboxes.aggregate(total=Sum("unread"), inboxes=CountOf("*"))
        return Count(found["total"] or 0, at_least=found["inboxes"] > INBOXES_SUMMED)

    return look("the inboxes", total)


def _overdue(what: str, due: Callable[[], QuerySet[Any]], since: str) -> Overdue:
    def count() -> Overdue:
        """Count the oldest, which are those that may be late."""
        oldest = due().order_by(since)[:COUNTED_ROWS]
        late = CountOf("due_at", filter=Q(due_at__lt=Now() - LATE))
        found = oldest.aggregate(number=CountOf("*"), late=late)
        number = found["number"]
        return Overdue(what, Count(number, at_least=number == COUNTED_ROWS), is_behind=found["late"] > 0)

    return look(what, count) or Overdue(what, None)


def _open_grants() -> QuerySet[Any]:
    grants = Grant.objects.filter(status__in=Grant.OPEN, expires_at__lte=Now())
    return grants.annotate(due_at=F("expires_at"))


def _quiet(status: Session.Status, until: str, unit: timedelta) -> QuerySet[Any]:
    """Sessions that have been quiet for as many units as their realms say, as the sweep finds them."""
    streaming = OpenStream.objects.alive().values("session_id")
    quiet = Session.objects.filter(status=status).exclude(pk__in=streaming)
    due_at = F("last_seen") + span(until, unit)
    return quiet.filter(last_seen__lt=Now() - span(until, unit)).annotate(due_at=due_at)


def _quiet_sessions() -> QuerySet[Any]:
    return _quiet(Session.Status.ACTIVE, "realm__session_timeout_seconds", timedelta(seconds=1))


def _abandoned_sessions() -> QuerySet[Any]:
    return _quiet(Session.Status.INACTIVE, "realm__session_expiry_days", timedelta(days=1))


def _expired_deliveries() -> QuerySet[Any]:
    deliveries = Delivery.objects.filter(message__expires_at__lte=Now(), message__is_dropped=False)
    return deliveries.annotate(due_at=F("message__expires_at"))


# What it is, how it is found, and what the oldest have the least of.
_WORK: list[tuple[str, Callable[[], QuerySet[Any]], str]] = [
    ("Grants past their end", _open_grants, "expires_at"),
    ("Sessions to turn inactive", _quiet_sessions, "last_seen"),
    ("Sessions to deregister", _abandoned_sessions, "last_seen"),
    ("Expired messages in inboxes", _expired_deliveries, "message__expires_at"),
]
