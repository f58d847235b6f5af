"""What was counted, over a span of time that ends now: a number for each of its parts."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import F, Sum
from django.db.models.functions import Trunc

from hub.activity.models import Tally
from hub.activity.rules import MESSAGES, REFUSED, REQUESTS


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in equal parts; the last part is the one that has begun.

    Attributes:
        unit: what a part is called, `minute`, `hour` or `day`.
        grain: of the tallies that it is made of.
    """

    name: str
    parts: int
    unit: str
    part: timedelta
    grain: Tally.Grain

    def beginnings(self, now: datetime) -> list[datetime]:
        """Return when each part begins, the oldest first."""
        part, moment = int(self.part.total_seconds()), int(now.timestamp())
        newest = datetime.fromtimestamp(moment // part * part, UTC)
        return [newest - self.part * ago for ago in reversed(range(self.parts))]


HOUR = Span("hour", 60, "minute", timedelta(minutes=1), Tally.Grain.MINUTE)
DAY = Span("day", 24, "hour", timedelta(hours=1), Tally.Grain.HOUR)
MONTH = Span("month", 30, "day", timedelta(days=1), Tally.Grain.HOUR)
SPANS = {span.name: span for span in (HOUR, DAY, MONTH)}


@dataclass(frozen=True, slots=True)
class History:
    """A realm's numbers over a span.

    Attributes:
        seconds: from the beginning of the span until now.
        messages: that were taken, for each part.
        refused: requests that were refused, likewise.
        refusals: how many requests were refused for each code, the most frequent first.
    """

    span: Span
    beginnings: list[datetime]
    seconds: float
    messages: list[int]
    refused: list[int]
    refusals: list[tuple[str, int]]


def history(realm_id: str, span: Span, now: datetime) -> History:
    """Return what was counted in a realm over the span that ends with `now`."""
    beginnings = span.beginnings(now)
    found = (
        Tally.objects.in_realm(realm_id)
        .filter(grain=span.grain, begins_at__gte=beginnings[0])
        .exclude(measure=REQUESTS)
        .annotate(
            part=F("begins_at") if span.unit == span.grain else Trunc("begins_at", span.unit, tzinfo=UTC)
        )
        .order_by()
        .values_list("part", "measure")
        .annotate(number=Sum("count"))
    )
    messages: Counter[datetime] = Counter()
    refused: Counter[datetime] = Counter()
    refusals: Counter[str] = Counter()
    for begins_at, measure, number in found:
        if measure == MESSAGES:
            messages[begins_at] += number
        elif measure.startswith(REFUSED):
            refused[begins_at] += number
            refusals[measure.removeprefix(REFUSED)] += number
    return History(
        span,
        beginnings,
        (now - beginnings[0]).total_seconds(),
        [messages[each] for each in beginnings],
        [refused[each] for each in beginnings],
        refusals.most_common(),
    )
