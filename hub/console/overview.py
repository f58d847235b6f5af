"""The overview: what goes on in the realm now and lately, and what wants attention."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from hub.activity.history import DAY, HOUR, MONTH, SPANS, History, history
from hub.activity.models import Tally
from hub.activity.rules import MESSAGES
from hub.api.limits import Use, use_of
from hub.console.charts import chart
from hub.console.keys import ending_soon
from hub.console.pages import show
from hub.messages.models import Inbox, Message
from hub.sessions.models import Session
from hub.sessions.presence import OpenStream
from realms.identity import identity_of
from realms.members.rules import Member
from realms.models import ApiKey, Realm
from realms.problems import PROBLEMS
from realms.refusal import refusal_at

# What the links say, and what stands below a chart: its beginning, its middle and its end.
SPAN_WORDS = {
    HOUR: ("Last hour", ("59 min. ago", "30 min. ago", "this minute")),
    DAY: ("Last day", ("23 hr. ago", "12 hr. ago", "this hour")),
    MONTH: ("Last 30 days", ("29 days ago", "15 days ago", "today")),
}
RECENT_MINUTES = 5
KEYS_SHOWN, KEYS_LOOKED_AT = 5, 200
REFUSALS_SHOWN = 10


def show_overview(request: HttpRequest, member: Member) -> HttpResponse:
    """Show the realm's numbers, its charts over the chosen span, and its warnings."""
    name = request.GET.get("span", HOUR.name)
    span = SPANS.get(name)
    if span is None:
        raise refusal_at(
            "/span", f"“{name[:80]}” is no span of this page. It shows an hour, a day or a month."
        )
    realm, now = member.realm, timezone.now()
    last_hour = history(realm.pk, HOUR, now)
    chosen = last_hour if span is HOUR else history(realm.pk, span, now)
    context = {
        "spans": [(each.name, SPAN_WORDS[each][0]) for each in SPANS.values()],
        "span": span,
        "axis": SPAN_WORDS[span][1],
        "now": state_of(realm),
        "rates": _rates(last_hour),
        "errors": sum(last_hour.refused),
        "sent_chart": chart(chosen.beginnings, chosen.messages),
        "refused_chart": chart(chosen.beginnings, chosen.refused),
        "numbers": zip(chosen.beginnings, chosen.messages, chosen.refused, strict=True),
        "refusals": [(code, PROBLEMS.get(code), number) for code, number in chosen.refusals[:REFUSALS_SHOWN]],
        "busiest": busiest_keys(realm),
        "ending": ending_soon(member),
    }
    return show(request, member, "overview.html", context, room="realm")


def _rates(last_hour: History) -> dict[str, str]:
    """Return the messages a minute of late and over the hour, without the part of this minute to come."""
    recent = last_hour.seconds - 60 * (HOUR.parts - RECENT_MINUTES)
    return {
        "recent": _number(sum(last_hour.messages[-RECENT_MINUTES:]) / recent * 60),
        "hour": _number(sum(last_hour.messages) / last_hour.seconds * 60),
    }


def _number(rate: float) -> str:
    return f"{rate:.1f}" if 0 < rate < 10 else f"{rate:,.0f}"


def _over(rows: QuerySet[Any], number: Count | Sum) -> Coalesce:
    """Return a number over rows of one realm."""
    together = rows.order_by().values("realm").annotate(number=number)
    return Coalesce(Subquery(together.values("number")), 0)


def state_of(realm: Realm) -> dict[str, Any]:
    """Return how many are there and what waits, all in one query.

    `has_begun` is whether the realm ever had a message, as far as anything is kept of it.
    """
    active = Session.objects.in_realm(realm.pk).filter(status=Session.Status.ACTIVE)
    streams = OpenStream.objects.in_realm(realm.pk).alive()
    sent = Message.objects.in_realm(realm.pk).filter(sender__isnull=False)
    counted = Tally.objects.in_realm(realm.pk).filter(grain=Tally.Grain.HOUR, measure=MESSAGES)
    state = (
        Realm.objects.filter(pk=realm.pk)
        .values(
            active=_over(active, Count("pk")),
            connected=_over(streams, Count("session", distinct=True)),
            unread=_over(Inbox.objects.filter(realm=realm), Sum("unread")),
            has_begun=Exists(sent) | Exists(counted),
        )
        .get()
    )
    return {**state}


@dataclass(frozen=True, slots=True)
class BusyKey:
    """A key, and how much of its limits the last minute took."""

    key: ApiKey
    reads: Use
    writes: Use

    @property
    def share(self) -> float:
        """The used part of the limit that is nearer."""
        return max(self.reads.share, self.writes.share)


def busiest_keys(realm: Realm) -> list[BusyKey]:
    """Return the keys that are nearest to a limit now, of those that were used last."""
    recent = ApiKey.objects.in_realm(realm.pk).filter(~Q(last_used_at=None), status=ApiKey.Status.ACTIVE)
    keys = list(recent.order_by(F("last_used_at").desc(), "-pk")[:KEYS_LOOKED_AT])
    for key in keys:
        key.realm = realm  # it says what limits keys have that have none of their own
    used = use_of([identity_of(key, None) for key in keys])
    busy = [BusyKey(key, reads, writes) for key, (reads, writes) in zip(keys, used, strict=True)]
    return sorted((each for each in busy if each.share), key=lambda each: -each.share)[:KEYS_SHOWN]
