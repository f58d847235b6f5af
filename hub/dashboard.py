"""The first page of the operators' admin: what `hub.operations` finds, laid out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from hub.operations import backlog, parts, tenants, traffic
from realms.cells import link_to, two_lines
from realms.models import Realm
from realms.times import ago

GOOD, WARNING, BAD = "success", "warning", "danger"
CHART_UNITS = 40
BAR_UNITS = 4  # of which a quarter is the gap to the next
LISTED = 10
NOT_READ = "It could not be read within a second."


@dataclass(frozen=True, slots=True)
class Card:
    """One figure of the top row.

    Attributes:
        state: a word for how that is, and `colour` what goes with it.
    """

    title: str
    figure: str
    note: str
    state: str = ""
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart, in units of its picture, and what it says in words."""

    x: int
    y: float
    height: float
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A measure over time.

    Attributes:
        bars: None where they could not be read.
    """

    title: str
    figure: str
    note: str
    bars: list[Bar] | None
    width: int = 1
    height: int = CHART_UNITS


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `rows` is None where they could not be read."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[object]] | None
    empty: str

    @property
    def contents(self) -> dict[str, Any]:
        """What Unfold's table takes."""
        return {"headers": self.headers, "rows": self.rows}


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures to the context of the admin's first page, as Unfold's `DASHBOARD_CALLBACK` does."""
    redis = parts.redis() if parts.has_redis() else None
    day = traffic.last_day()
    tables = [_periodic_work(), _refusals(day)]
    if request.user.has_perm("realms.view_realm"):
        tables += [_busiest_realms(), _newest_realms()]
    return {
        **context,
        "title": "How the hub is",
        "cards": [_database(), _redis(redis), *_processes(), _tasks(redis), _unread()],
        "charts": [*_charts("the last hour", traffic.last_hour()), *_charts("the last day", day)],
        "tables": tables,
    }


def label(word: str, colour: str) -> SafeString:
    """Return a word in colour."""
    return SafeString(render_to_string("unfold/helpers/label.html", {"text": word, "variant": colour}))


def _unread_card(title: str) -> Card:
    return Card(title, "-", NOT_READ, "unknown", BAD)


def _answered_in(part: parts.Part) -> str:
    return f"Answered in {part.milliseconds:.0f} ms." if part.milliseconds >= 1 else "Answered within 1 ms."


def _database() -> Card:
    part = parts.database()
    if part is None:
        return Card("Database", "-", "It did not answer within a second.", "no answer", BAD)
    return Card("Database", part.name, _answered_in(part), "answers", GOOD)


def _redis(redis: parts.RedisPart | None) -> Card:
    if not parts.has_redis():
        return Card("Redis", "None", "Everything runs in this process.")
    if redis is None:
        note = "Each process wakes and counts by itself until it is back."
        return Card("Redis", "-", note, "no answer", BAD)
    return Card("Redis", redis.name, _answered_in(redis), "answers", GOOD)


def _processes() -> list[Card]:
    found = parts.processes()
    if found is None:
        return [_unread_card("Server processes"), _unread_card("Open streams")]
    return [
        Card("Server processes", f"{found.number:,}", "Each is seen from its first stream on."),
        Card("Open streams", f"{found.streams:,}", "Held by these processes."),
    ]


def _tasks(redis: parts.RedisPart | None) -> Card:
    if not parts.has_redis():
        return Card("Tasks waiting", "0", "Periodic work runs in this process.")
    if redis is None:
        return Card("Tasks waiting", "-", "Redis holds the queue and does not answer.", "unknown", BAD)
    return Card("Tasks waiting", f"{redis.tasks:,}", "In the workers' queue.")


def _unread() -> Card:
    count = backlog.unread()
    if count is None:
        return _unread_card("Unread messages")
    return Card("Unread messages", str(count), "In all inboxes, expired ones included.")


def _charts(when: str, found: traffic.Traffic | None) -> list[Chart]:
    if found is None:
        return [Chart(f"{what} of {when}", "-", NOT_READ, None) for what in ("Messages", "Requests")]
    return [_chart(f"Messages of {when}", found.messages), _chart(f"Requests of {when}", found.requests)]


def _chart(title: str, series: traffic.Series) -> Chart:
    most = max(series.counts)
    span = "minute" if series.minutes == 1 else "hour"
    bars = []
    for i, count in enumerate(series.counts):
        height = round(CHART_UNITS * count / most, 2) if most else 0
        back = len(series.counts) - 1 - i
        when = f"{back} {span}{'' if back == 1 else 's'} ago" if back else f"this {span}, so far"
        bars.append(Bar(i * BAR_UNITS, CHART_UNITS - height, height, f"{count:,}, {when}"))
    note = f"{series.per_minute:,.1f} a minute; at most {most:,} in one {span}."
    return Chart(title, f"{series.total:,}", note, bars, len(bars) * BAR_UNITS)


def _refusals(day: traffic.Traffic | None) -> Table:
    rows = (
        None
        if day is None
        else [
            (
                format_html('<a href="{}" class="text-link">{}</a>', reverse("problem", args=[code]), code),
                f"{n:,}",
            )
            for code, n in day.refusals[:LISTED]
        ]
    )
    empty = "Nothing was refused in the last day."
    return Table("Refusals of the last day", ["Code", "Requests"], rows, empty)


def _busiest_realms() -> Table:
    busiest = traffic.busiest_realms()
    rows = (
        None
        if busiest is None
        else [
            (two_lines(link_to(Realm(pk=busy.realm_id), busy.slug), busy.owner), f"{busy.messages:,}")
            for busy in busiest
        ]
    )
    empty = "No message was sent in the last day."
    return Table("Busiest realms of the last day", ["Realm", "Messages"], rows, empty)


def _periodic_work() -> Table:
    rows: list[Sequence[object]] = []
    for work in backlog.overdue():
        if work.count is None:
            rows.append((work.what, "-", label("unknown", BAD)))
        elif work.is_behind:
            rows.append((work.what, work.count, label("behind", BAD)))
        else:
            rows.append((work.what, work.count, label("in time", GOOD)))
    return Table("Periodic work", ["Overdue", "Count", "State"], rows, "")


def _newest_realms() -> Table:
    realms = tenants.newest_realms()
    rows = (
        None
        if realms is None
        else [(two_lines(link_to(realm), realm.owner), ago(realm.created_at, "-")) for realm in realms]
    )
    return Table("Newest realms", ["Realm", "Created"], rows, "No realm was made yet.")
