"""The first page of the operators' admin: what `hub.operations` finds, laid out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from hub.operations import backlog, parts, tenants
from realms.models import Realm
from realms.operators import link_to, moment, two_lines

GOOD, WARNING, BAD = "success", "warning", "danger"
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
    tables = [_periodic_work()]
    if request.user.has_perm("realms.view_realm"):
        tables.append(_newest_realms())
    return {
        **context,
        "title": "How the hub is",
        "cards": [_database(), _redis(redis), *_processes(), _tasks(redis), _unread()],
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
    rows = None if realms is None else [(_realm(realm), moment(realm.created_at)) for realm in realms]
    return Table("Newest realms", ["Realm", "Created (UTC)"], rows, "No realm was made yet.")


def _realm(realm: Realm) -> SafeString:
    """Return a realm's link and owner: many realms have the same slug."""
    return two_lines(link_to(realm), realm.owner)
