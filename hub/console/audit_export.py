"""The audit log as a file: the events that the filters leave, in the order of the chain."""

import csv
import json
from collections.abc import Iterable, Iterator
from functools import partial

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from hub.console.audit_filters import AuditFilters
from hub.console.downloads import download
from realms.audit.models import AuditEvent, AuditEventQuerySet
from realms.audit.rules import BATCH, content_of
from realms.members.rules import Member
from realms.refusal import refusal_at

COLUMNS = (
    "number",
    "id",
    "at",
    "actor_kind",
    "actor",
    "action",
    "target",
    "request_id",
    "address",
    "details",
    "previous",
)
# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(request: HttpRequest, member: Member) -> HttpResponseBase:
    """Send the events as JSON lines or as CSV."""
    filters = AuditFilters(request.GET)
    if not filters.is_valid():
        field, messages = next(iter(filters.errors.items()))
        raise refusal_at(f"/{field}", f"{filters[field].label}: {' '.join(map(str, messages))}")
    events = _in_batches(filters.matching(member.realm.pk))
    name = f"{member.realm.slug}-audit"
    match request.GET.get("format", "jsonl"):
        case "jsonl":
            lines = partial(json_lines, events)
            return download(request, lines, name=f"{name}.jsonl", content_type="application/x-ndjson")
        case "csv":
            lines = partial(csv_lines, events)
            return download(request, lines, name=f"{name}.csv", content_type="text/csv; charset=utf-8")
        case _:
            raise refusal_at("/format", "The formats are jsonl and csv.")


def _in_batches(found: AuditEventQuerySet) -> Iterator[AuditEvent]:
    """Yield events without ever holding more than a batch, or a query open."""
    last = 0
    while batch := list(found.filter(number__gt=last)[:BATCH]):
        yield from batch
        last = batch[-1].number


def json_lines(events: Iterable[AuditEvent]) -> Iterator[bytes]:
    """Yield each event as the JSON whose RFC 8785 form the next event's `previous` is the SHA-256 of."""
    for event in events:
        yield msgspec.json.encode(content_of(event)) + b"\n"


class _Line:
    """What csv writes a line into."""

    def write(self, line: str) -> str:
        return line


def csv_lines(events: Iterable[AuditEvent]) -> Iterator[bytes]:
    """Yield a line of names, then one for each event."""
    writer = csv.writer(_Line())
    yield str(writer.writerow(COLUMNS)).encode()
    for event in events:
        cells = (
            event.number,
            event.pk,
            event.at.isoformat(),
            event.actor_kind,
            event.actor,
            event.action,
            event.target,
            event.request_id,
            event.address,
            json.dumps(event.details, ensure_ascii=False),
            bytes(event.previous).hex(),
        )
        yield str(writer.writerow(map(_harmless, cells))).encode()


def _harmless(cell: object) -> str:
    text = str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
