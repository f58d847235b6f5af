"""The audit log: what was done in a realm, by whom, and whether anybody has tampered with it."""

import json
import re
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse

from hub.console.audit_filters import AuditFilters
from hub.console.listing import ROWS, Listing
from hub.console.pages import show
from realms.audit.models import AuditEvent, AuditEventQuerySet
from realms.audit.rules import Head, Walk, begin_walk, walk_on
from realms.members.rules import Member
from realms.refusal import refusal_at

ROOM = "realm-audit"
# A request of so many takes about a second of one thread; a longer chain is walked in several.
EVENTS_PER_REQUEST = 10_000
FAULTS_SHOWN = 20
WALK_SECONDS = 3600  # for so long a walk can be gone on with
_SALT = "hub.console.audit"
_NUMBER = re.compile(r"[0-9]{1,18}")


def list_events(request: HttpRequest, member: Member) -> HttpResponse:
    """Show the events that the filters leave, the newest first."""
    filters = AuditFilters(request.GET)
    is_valid = filters.is_valid()
    found = filters.matching(member.realm.pk) if is_valid else AuditEvent.objects.none()
    page = _page(request, found)
    context = {
        "page": page,
        "filters": filters,
        "is_filtered": any(request.GET.get(name) for name in filters.fields),
        "events": [(event, _details(event)) for event in page.rows],
    }
    return show(request, member, "audit.html", context, room=ROOM, status=200 if is_valid else 400)


def _page(request: HttpRequest, found: AuditEventQuerySet) -> Listing[AuditEvent]:
    before = request.GET.get("before")
    if before is not None:
        if not _NUMBER.fullmatch(before):
            raise refusal_at("/before", f"“{before[:80]}” is not where a page of the log begins.")
        found = found.filter(number__lt=int(before))
    rows = list(found.order_by("-number")[: ROWS + 1])
    older = str(rows[ROWS - 1].number) if len(rows) > ROWS else None
    return Listing(rows[:ROWS], older, before is None)


def _details(event: AuditEvent) -> list[tuple[str, str]]:
    # What changed is said as from what to what.
    between = " → " if event.action.endswith("_changed") else ", "
    return [(name.replace("_", " "), _said(value, between)) for name, value in event.details.items()]


def _said(value: Any, between: str) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return between.join(_said(each, between) for each in value)
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Verification:
    """A walk along the chain and what it found so far.

    Attributes:
        noted: the head that the chain has to lead through, as text; empty if there is none.
    """

    walk: Walk
    faults: int
    first_faults: list[str]
    noted: str

    def sealed(self, realm_id: str) -> str:
        """Return it as text that comes back from the browser as it was, for this realm alone."""
        walk = self.walk
        heads = [str(walk.head), str(walk.last), str(walk.awaits) if walk.awaits else None]
        found = [self.faults, self.first_faults, self.noted]
        return signing.dumps([realm_id, heads, *found], salt=_SALT, compress=True)

    @classmethod
    def unsealed(cls, text: str, realm_id: str) -> "Verification":
        """Read what `sealed` wrote.

        Raises:
            Refusal: `invalid_request`.
        """
        try:
            of_realm, heads, *found = signing.loads(text, salt=_SALT, max_age=WALK_SECONDS)
        except signing.BadSignature:
            of_realm = None
        if of_realm != realm_id:
            raise refusal_at("/walk", "This verification cannot be gone on with; begin again.")
        head, last, awaits = (Head.parse(each) if each else None for each in heads)
        assert head is not None
        assert last is not None
        return cls(Walk(head, last, awaits), *found)


def verify(request: HttpRequest, member: Member) -> HttpResponse:
    """Verify the chain, or its next part if it is long."""
    realm_id = member.realm.pk
    if walked := request.GET.get("walk"):
        so_far = Verification.unsealed(walked, realm_id)
    else:
        noted = _noted(request)
        so_far = Verification(begin_walk(realm_id, noted=noted), 0, [], str(noted) if noted else "")
    walk, faults = walk_on(realm_id, so_far.walk, events=EVENTS_PER_REQUEST)
    count, first = so_far.faults + len(faults), [*so_far.first_faults, *faults][:FAULTS_SHOWN]
    verification = Verification(walk, count, first, so_far.noted)
    context = {
        "verification": verification,
        "walked": None if walk.is_over else verification.sealed(realm_id),
    }
    return show(request, member, "audit_verify.html", context, room=ROOM)


def _noted(request: HttpRequest) -> Head | None:
    text = request.GET.get("noted", "").strip()
    try:
        return Head.parse(text) if text else None
    except ValueError:
        raise refusal_at("/noted", f"“{text[:100]}” is not a head such as 12:9f86d0….") from None
