"""What went through the hub in the last hour and the last day, all realms together and the busiest ones."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils import timezone

from hub.activity.models import Tally
from hub.activity.rules import MESSAGES, REFUSED, REQUESTS
from hub.operations.looks import look

BUSIEST = 5
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Series:
    """One measure over time.

    Attributes:
        counts: of each span, the oldest first and the one that is not over last.
        minutes: how long a span is.
    """

    counts: list[int]
    minutes: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.counts)

    @property
    def per_minute(self) -> float:
        """How much it was in a minute of those that are over."""
        over = self.counts[:-1]
        return sum(over) / (len(over) * self.minutes)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went on in a stretch of time.

    Attributes:
        refusals: how many there were of each code, the most frequent first.
    """

    requests: Series
    messages: Series
    refusals: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class BusyRealm:
    """A realm and how many messages it took in the last day."""

    realm_id: str
    slug: str
    owner: str
    messages: int


def last_hour() -> Traffic | None:
    """Return the traffic by the minute; None if that could not be read."""
    return look("the last hour", lambda: _traffic(Tally.Grain.MINUTE, MINUTE, 60))


def last_day() -> Traffic | None:
    """Return the traffic by the hour; None if that could not be read."""
    return look("the last day", lambda: _traffic(Tally.Grain.HOUR, HOUR, 24))


def busiest_realms() -> list[BusyRealm] | None:
    """Return the realms with most messages in the last day; None if that could not be read."""

    def read() -> list[BusyRealm]:
        tallies = Tally.objects.filter(
            grain=Tally.Grain.HOUR, begins_at__gte=next(_spans(HOUR, 24)), measure=MESSAGES
        )
        found = tallies.values_list("realm", "realm__slug", "realm__owner__email").annotate(all=Sum("count"))
        return [BusyRealm(*row) for row in found.order_by("-all", "realm")[:BUSIEST]]

    return look("the busiest realms", read)


def _traffic(grain: Tally.Grain, span: timedelta, number: int) -> Traffic:
    spans = list(_spans(span, number))
    tallies = Tally.objects.filter(grain=grain, begins_at__gte=spans[0])
    counts: Counter[tuple[str, datetime]] = Counter()
    refusals: Counter[str] = Counter()
    for measure, begins_at, count in tallies.values_list("measure", "begins_at").annotate(all=Sum("count")):
        counts[measure, begins_at] = count
        if measure.startswith(REFUSED):
            refusals[measure.removeprefix(REFUSED)] += count

    def series(measure: str) -> Series:
        return Series([counts[measure, begins_at] for begins_at in spans], span // MINUTE)

    return Traffic(series(REQUESTS), series(MESSAGES), refusals.most_common())


def _spans(span: timedelta, number: int) -> Iterator[datetime]:
    """Yield when each of so many spans of the clock began, the oldest first, the one that is now last."""
    now = timezone.now()
    since_midnight = now - now.replace(hour=0, minute=0, second=0, microsecond=0)
    current = now - since_midnight % span
    for i in reversed(range(number)):
        yield current - i * span
