"""The audit room: the log, its filters, its export and its verification."""

import csv
import io
import json
import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.core import signing
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from hub.console import audit, audit_export
from realms.audit import rules
from realms.audit.actor import Actor, Kind
from realms.models import AuditEvent, Realm
from tests.audit import tampering
from tests.cases import cases
from tests.console.people import Person

BY_A_KEY = Actor(Kind.KEY, "key_x", "req-1", "192.0.2.1")


def append(realm: Realm, action: str, target: str = "thing", by: Actor = BY_A_KEY, **details: Any) -> None:
    """Add an event."""
    with transaction.atomic():
        rules.append(action, realm_id=realm.pk, by=by, target=target, details=details)


@pytest.fixture
def log(owner: Person) -> Person:
    """Alice's log: the realm's making, then these."""
    append(owner.realm, "grant.requested", "grant_1", reason_given=True)
    append(owner.realm, "grant.approved", "grant_1", by=Actor.person(owner.user))
    append(owner.realm, "key.issued", "key_1", by=Actor.command("apikey issue"), scopes=["read", "write"])
    return owner


def actions_on(answer: Any) -> list[str]:
    """Return the actions that a page lists."""
    return re.findall(r"<td>\s*([a-z_]+\.[a-z_]+)\s*<div", answer.content.decode())


def lines_of(answer: Any) -> list[dict[str, Any]]:
    """Return the lines of an export."""
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def walk_in(page: str) -> str | None:
    """Return with what a verification goes on; None if it is over."""
    link = re.search(r'href="[^"]*[?&;]walk=([^"&]+)"', page)
    return unquote(link[1]) if link else None


def test_events_are_shown_the_newest_first(log: Person, viewer: Person) -> None:
    answer = viewer.get("realm-audit")

    assert actions_on(answer) == ["key.issued", "grant.approved", "grant.requested", "realm.created"]
    page = answer.content.decode()
    for said in ("req-1", "192.0.2.1", "read, write", "reason given", "apikey issue"):
        assert said in page


def test_a_change_is_told_as_from_what_to_what(owner: Person) -> None:
    append(owner.realm, "realm.settings_changed", retention_days=["30", "7"])

    assert "30 → 7" in owner.get("realm-audit").content.decode()


@cases(
    ("query", "actions"),
    [
        ({"action": "grant."}, ["grant.approved", "grant.requested"]),
        ({"action": "grant.approved"}, ["grant.approved"]),
        ({"action": "gran_"}, []),
        ({"actor_kind": "user"}, ["grant.approved"]),
        ({"actor": "key_x"}, ["grant.requested"]),
        ({"actor": "key_"}, []),
        ({"target": "grant_1"}, ["grant.approved", "grant.requested"]),
        ({"target": "grant_1", "actor_kind": "key"}, ["grant.requested"]),
        ({"since": "2000-01-01T00:00", "action": "key."}, ["key.issued"]),
        ({"until": "2000-01-01T00:00"}, []),
        ({"since": "2999-01-01T00:00"}, []),
        ({"since": "9999-12-31T23:59"}, []),
        ({"until": "9999-12-31T23:59", "action": "key."}, ["key.issued"]),
        ({"until": "0001-01-01T00:00"}, []),
        ({"since": "2000-01-01T00:00+02:00", "action": "key."}, ["key.issued"]),
    ],
    ids=str,
)
def test_filters_leave_what_matches(log: Person, query: dict[str, str], actions: list[str]) -> None:
    assert actions_on(log.get("realm-audit", **query)) == actions
    exported = log.get("realm-audit-export", format="jsonl", **query)
    assert [line["action"] for line in lines_of(exported)] == actions[::-1]


def test_a_span_is_of_the_times_of_events(log: Person) -> None:
    before = timezone.now().isoformat()
    append(log.realm, "session.registered")
    after = timezone.now().isoformat()
    append(log.realm, "session.deregistered")

    assert actions_on(log.get("realm-audit", since=before, until=after)) == ["session.registered"]


@cases(
    "query",
    [
        {"action": "DROP TABLE"},
        {"action": "a" * 41},
        {"actor_kind": "god"},
        {"actor": "x" * 255},
        {"target": "x" * 256},
        {"since": "yesterday"},
        {"since": "99999-01-01T00:00"},
        {"until": "2026-02-30T00:00"},
        {"until": "0001-01-01T00:00+14:00"},
    ],
    ids=str,
)
def test_what_cannot_be_filtered_by_is_refused_in_words(log: Person, query: dict[str, str]) -> None:
    answer = log.get("realm-audit", **query)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert actions_on(answer) == []
    assert log.get("realm-audit-export", format="jsonl", **query).status_code == 400


@cases("before", ["", "x", "-1", "1.5", "9" * 19, "¹", "\0"])
def test_a_page_begins_at_a_number(log: Person, before: str) -> None:
    assert log.get("realm-audit", before=before).status_code == 400
    assert log.get("realm-audit", before="9" * 18).status_code == 200


def test_a_long_log_is_shown_page_by_page(
    owner: Person, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(audit, "ROWS", 2)
    for number in range(4):
        append(owner.realm, "key.issued", f"key_{number}")
    seen, query = [], {"action": "key."}
    while True:
        with django_assert_max_num_queries(12):
            page = owner.get("realm-audit", **query)
        seen += re.findall(r">(key_\d)<", page.content.decode())
        older = re.search(r'before=(\d+)"\s+rel="next"', page.content.decode())
        if older is None:
            break
        query["before"] = older[1]

    assert seen == ["key_3", "key_2", "key_1", "key_0"]


def test_another_realms_events_are_in_neither_page_nor_file(log: Person, stranger: Person) -> None:
    theirs = Realm.objects.get(owner=stranger.user)
    append(theirs, "grant.denied", "theirs")

    assert "theirs" not in log.get("realm-audit").content.decode()
    assert "theirs" not in str(lines_of(log.get("realm-audit-export", format="jsonl")))


def test_the_exported_lines_verify_by_themselves(log: Person) -> None:
    """A line without its type is what the next line's `previous` is the SHA-256 of."""
    lines = lines_of(log.get("realm-audit-export", format="jsonl"))

    digests = [rules.digest_of(event).hex() for event in AuditEvent.objects.in_realm(log.realm.pk)]
    assert [line["previous"] for line in lines] == ["00" * 32, *digests[:-1]]
    assert lines == [rules.content_of(event) for event in AuditEvent.objects.in_realm(log.realm.pk)]


def test_a_spreadsheet_takes_no_cell_for_a_formula(owner: Person) -> None:
    bad = ['=HYPERLINK("x")', "+1", "-1", "@SUM(A1)", "\tx", "\rx"]
    for target in bad:
        append(owner.realm, "memory.deleted", target, by=Actor(Kind.USER, "=1@example.com"))
    append(owner.realm, "memory.deleted", 'a,"b"\nc')

    answer = owner.get("realm-audit-export", format="csv")

    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline="")))
    assert [row["target"] for row in rows[1:]] == [*(f"'{target}" for target in bad), 'a,"b"\nc']
    assert {row["actor"] for row in rows[1:-1]} == {"'=1@example.com"}
    assert answer["Content-Disposition"] == 'attachment; filename="default-audit.csv"'
    assert tuple(rows[0]) == audit_export.COLUMNS


def test_a_long_log_is_exported_in_batches(log: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_export, "BATCH", 2)

    numbers = [line["number"] for line in lines_of(log.get("realm-audit-export", format="jsonl"))]

    assert numbers == [1, 2, 3, 4]


@pytest.mark.parametrize("wrong", ["", "xml", "jsonl\0"])
def test_another_format_is_refused(log: Person, wrong: str) -> None:
    assert log.get("realm-audit-export", format=wrong).status_code == 400
    assert lines_of(log.get("realm-audit-export")), "JSON lines, if nothing is said"


def test_a_whole_chain_verifies(log: Person, viewer: Person) -> None:
    page = viewer.get("realm-audit-verify").content.decode()

    assert "The chain is whole: 4 events" in page
    assert str(rules.head_of(log.realm.pk)) in page


def test_tampering_shows(log: Person) -> None:
    tampering.edit(log.realm, 2, target="another")

    page = log.get("realm-audit-verify").content.decode()

    assert "event 3 does not follow" in page
    assert "The chain is whole" not in page


def test_a_noted_head_is_looked_for(log: Person) -> None:
    noted = str(rules.head_of(log.realm.pk))
    append(log.realm, "key.revoked")
    assert "leads through the head" in log.get("realm-audit-verify", noted=noted).content.decode()

    tampering.rewrite(log.realm, 3, target="another")

    assert "The chain is whole" in log.get("realm-audit-verify").content.decode()
    assert "does not lead through" in log.get("realm-audit-verify", noted=f" {noted} ").content.decode()


@cases("noted", ["x", "1:2", "1" * 20 + ":" + "0" * 64, "\0"])
def test_what_is_no_head_is_refused(log: Person, noted: str) -> None:
    assert log.get("realm-audit-verify", noted=noted).status_code == 400


@pytest.mark.parametrize("fault", [False, True])
def test_a_long_chain_is_verified_in_several_requests(
    log: Person, monkeypatch: pytest.MonkeyPatch, fault: bool
) -> None:
    noted = str(rules.head_of(log.realm.pk))
    for _ in range(3):
        append(log.realm, "key.issued")
    monkeypatch.setattr(audit, "EVENTS_PER_REQUEST", 2)
    if fault:
        tampering.edit(log.realm, 2, target="another")
    requests, query = 0, {"noted": noted}
    while True:
        page = log.get("realm-audit-verify", **query).content.decode()
        requests += 1
        if (walk := walk_in(page)) is None:
            break
        assert "The chain is whole" not in page
        query = {"walk": walk}
        append(log.realm, "key.issued")  # what comes meanwhile lies beyond the walk

    assert requests == 4
    assert ("event 3 does not follow" in page) is fault
    assert ("The chain is whole: 7 events" in page) is not fault
    assert ("it leads through the head that you noted" in page) is not fault
    assert f'value="{noted}"' in page, "to be verified again"


def test_a_walk_cannot_be_made_up_or_taken_elsewhere(
    log: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "EVENTS_PER_REQUEST", 2)
    walk = walk_in(log.get("realm-audit-verify").content.decode())
    assert walk is not None
    assert log.get("realm-audit-verify", walk=walk).status_code == 200
    stranger.realm = Realm.objects.get(owner=stranger.user)

    assert stranger.get("realm-audit-verify", walk=walk).status_code == 400
    for made_up in (walk[:-1], "x", signing.dumps([log.realm.pk, [], 0, []])):
        assert log.get("realm-audit-verify", walk=made_up).status_code == 400
