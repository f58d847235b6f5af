"""Exporting all that a realm holds."""

import gc
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import User
from hub import realm_export
from hub.memory.models import MemoryEntry
from hub.messages.models import Message
from hub.realm_export import export_realm
from realms.audit.rules import content_of
from realms.members.models import Role
from realms.models import ApiKeySecret, AuditEvent, Invitation, Realm
from realms.owners import delete_realm
from realms.refusal import Refusal
from realms.spans import Written
from tests.cast import Agent, new_owner
from tests.members.people import acting, joined
from tests.whole_realm.full import full_realm, held

TYPES = {
    "Realm": "realm",
    "ApiKey": "key",
    "Invitation": "invitation",
    "Session": "session",
    "MemoryNamespace": "namespace",
    "MemoryEntry": "entry",
    "Grant": "grant",
    "Message": "message",
    "Delivery": "delivery",
    "AuditEvent": "audit_event",
}
# What is of no use elsewhere: how things stand just now, counters, and what is told in another's line.
NOT_EXPORTED = {
    "ApiKeySecret",
    "AuditHead",
    "IdempotencyRecord",
    "Inbox",
    "Membership",
    "MemoryUsage",
    "OpenStream",
    "Ping",
    "Tally",
}


@pytest.fixture
def full(db: None) -> tuple[Realm, str, Agent, Agent]:
    """Alice's realm with something of everything, and another's."""
    full_realm("mallory")
    return full_realm("alice")


def exported(realm: Realm, by: User | None = None) -> list[dict[str, Any]]:
    """Return the lines of a realm's export."""
    parts = b"".join(export_realm(realm=realm, by=acting(by or realm.owner)))
    return [json.loads(line) for line in parts.splitlines()]


def test_there_is_a_line_for_everything(full: tuple[Realm, str, Agent, Agent]) -> None:
    realm = full[0]
    lines = Counter(line["type"] for line in exported(realm))
    rows = held(realm)

    assert {TYPES[name]: count for name, count in rows.items() if name in TYPES} == {
        name: count for name, count in lines.items() if name != "member"
    }
    assert lines["member"] == rows["Membership"] + 1
    assert set(rows) == set(TYPES) | NOT_EXPORTED


def test_values_are_as_they_were_sent(full: tuple[Realm, str, Agent, Agent]) -> None:
    realm, _, one, other = full
    lines = exported(realm)

    big = next(line for line in lines if line["type"] == "message" and "big" in line["payload"])
    assert big["payload"] == {"text": "ä\u2028", "big": "x" * 2000}
    assert (big["from"], big["to"]) == (one.id, [one.id, other.id])
    entry = next(line for line in lines if line["type"] == "entry" and line["key"] == "project.name")
    assert (entry["value"], entry["written_by"]) == (1, one.id)
    answered = {line["reply_to"] for line in lines if line["type"] == "message"} - {None}
    assert answered < {line["id"] for line in lines if line["type"] == "message"}
    assert lines[0]["slug"] == "default"
    assert lines[0]["settings"]["retention_days"] == 30


def test_a_message_is_followed_by_its_deliveries(full: tuple[Realm, str, Agent, Agent]) -> None:
    message = None
    for line in exported(full[0]):
        if line["type"] == "message":
            message = line
        elif line["type"] == "delivery":
            assert message is not None
            assert line["message"] == message["id"]
            assert line["recipient"] in message["to"]


def test_it_has_no_secret_and_no_digest(full: tuple[Realm, str, Agent, Agent]) -> None:
    realm, key = full[:2]

    text = json.dumps(exported(realm))

    assert key not in text
    for row in (*ApiKeySecret.objects.all(), *Invitation.objects.all()):
        assert bytes(row.digest).hex() not in text
    assert key[-4:] in text, "by which its owner knows it"


def test_it_has_nothing_of_another_realm(full: tuple[Realm, str, Agent, Agent]) -> None:
    other = Realm.objects.exclude(pk=full[0].pk).get()
    text = json.dumps(exported(full[0]))

    assert "mallory" not in text
    assert other.pk not in text
    for session_id in other.sessions.values_list("pk", flat=True):
        assert session_id not in text


def test_the_log_in_it_ends_with_the_export(full: tuple[Realm, str, Agent, Agent]) -> None:
    realm = full[0]
    log = [line for line in exported(realm) if line["type"] == "audit_event"]

    assert log[-1]["action"] == "realm.exported"
    assert log[-1]["actor"] == ["user", realm.owner.email]
    contents = [content_of(event) for event in AuditEvent.objects.in_realm(realm.pk)]
    assert [{**line, "type": None} for line in log] == [{**each, "type": None} for each in contents]


def test_batches_make_no_difference(
    full: tuple[Realm, str, Agent, Agent], monkeypatch: pytest.MonkeyPatch
) -> None:
    realm = full[0]
    whole = exported(realm)
    real = realm_export._batches
    monkeypatch.setattr(realm_export, "_batches", lambda found, *fields, size: real(found, *fields, size=1))

    single = exported(realm)

    assert single[1:-1] == whole[1:]


@pytest.mark.parametrize("microsecond", [0, 500_000, 123_456])
def test_of_messages_of_one_instant_none_is_lost_or_told_twice(
    full: tuple[Realm, str, Agent, Agent], monkeypatch: pytest.MonkeyPatch, microsecond: int
) -> None:
    realm = full[0]
    at = datetime(2026, 4, 6, 9, 0, 0, microsecond, tzinfo=UTC)
    Message.objects.filter(realm=realm).update(sent_at=Written(at))
    monkeypatch.setattr(realm_export, "SMALL_BATCH", 2)

    ids = [line["id"] for line in exported(realm) if line["type"] == "message"]

    assert ids == list(Message.objects.filter(realm=realm).order_by("pk").values_list("pk", flat=True))


def test_no_row_with_a_large_text_waits_for_the_garbage_collector(
    full: tuple[Realm, str, Agent, Agent],
) -> None:
    gc.collect()
    gc.disable()
    try:
        before = sum(type(each) in (Message, MemoryEntry) for each in gc.get_objects())
        exported(full[0])
        after = sum(type(each) in (Message, MemoryEntry) for each in gc.get_objects())
    finally:
        gc.enable()

    assert after <= before


def test_only_the_owner_has_it(full: tuple[Realm, str, Agent, Agent]) -> None:
    realm = full[0]
    for person in (joined(realm, "ann", Role.ADMIN), new_owner("nobody")):
        with pytest.raises(Refusal) as refused:
            exported(realm, person)
        assert refused.value.code == "role_missing"

    assert not AuditEvent.objects.filter(action="realm.exported").exists()


def test_a_deleted_realm_is_not_exported(full: tuple[Realm, str, Agent, Agent]) -> None:
    realm = full[0]
    delete_realm(realm=realm, by=acting(realm.owner))

    with pytest.raises(Refusal, match="was deleted"):
        exported(realm)
