"""The settings room: what the realm decides, its quotas, its export and its end."""

import json
import re
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from realms.models import AuditEvent, Realm
from tests.cases import cases
from tests.cast import Agent
from tests.console.people import Person, words_of
from tests.memory.entries import written
from tests.rows import set_realm


def form_of(person: Person) -> dict[str, Any]:
    """Return what a browser sends when the form is sent as it was opened."""
    page = person.get("realm-settings-change").content.decode()
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = (re.search(rf'{what}="([^"]*)"', tag) for what in ("name", "value"))
        if name is None or name[1] == "csrfmiddlewaretoken":
            continue
        if 'type="checkbox"' in tag and "checked" not in tag:
            continue
        fields[name[1]] = value[1] if value else ("on" if 'type="checkbox"' in tag else "")
    return fields


def test_settings_and_their_use_are_shown(viewer: Person, alice: Agent, bob: Agent) -> None:
    written(alice, "project.name")
    set_realm(viewer.realm, max_sessions=2)

    page = viewer.get("realm-settings").content.decode()

    assert "2 of 2" in page
    assert "1 of 100,000" in page
    assert page.count("nearly full") == 1
    assert "Export everything" not in page
    assert "Change settings" not in page


def test_an_admin_changes_settings(admin: Person) -> None:
    sent = {**form_of(admin), "retention_days": "7", "require_signatures": "on", "writes_per_minute": "5"}

    answer = admin.post("realm-settings-change", said=sent)

    assert answer["Location"] == admin.path("realm-settings")
    realm = Realm.objects.get()
    assert (realm.retention_days, realm.require_signatures, realm.writes_per_minute) == (7, True, 5)
    event = AuditEvent.objects.get(action="realm.settings_changed")
    assert event.details == {
        "retention_days": ["30", "7"],
        "require_signatures": ["False", "True"],
        "writes_per_minute": ["None", "5"],
    }


def test_a_form_that_was_not_changed_changes_nothing(owner: Person) -> None:
    owner.post("realm-settings-change", said=form_of(owner))

    assert not AuditEvent.objects.filter(action="realm.settings_changed").exists()
    assert "Nothing was changed" in owner.get("realm-settings").content.decode()


def test_what_another_saved_meanwhile_stays(owner: Person, admin: Person) -> None:
    ones, others = form_of(owner), form_of(admin)
    admin.post("realm-settings-change", said={**others, "retention_days": "7", "require_signatures": "on"})

    owner.post("realm-settings-change", said={**ones, "grant_max_days": "5"})

    realm = Realm.objects.get()
    assert (realm.retention_days, realm.grant_max_days, realm.require_signatures) == (7, 5, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"retention_days": "3651"},
        {"retention_days": "-1"},
        {"retention_days": ""},
        {"session_timeout_seconds": "9"},
        {"session_timeout_seconds": "9" * 30},
        {"session_expiry_days": "0"},
        {"session_expiry_days": "2147483647"},
        {"grant_max_days": "x"},
        {"inbox_limit": "0"},
        {"inbox_limit": "10001"},
        {"inbox_limit": "1\0"},
        {"reads_per_minute": "-1"},
        {"reads_per_minute": "9" * 30},
        {"writes_per_minute": "51"},
        {"writes_per_minute": "0"},
        {"initial-retention_days": "x", "retention_days": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(owner: Person, settings: Any, wrong: dict[str, str]) -> None:
    settings.HUB_MOST_WRITES_PER_MINUTE = 50
    sent = form_of(owner)

    answer = owner.post("realm-settings-change", said={**sent, **wrong})

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="realm.settings_changed").exists()
    best = {**sent, "inbox_limit": "10000", "retention_days": "3650", "writes_per_minute": "50"}
    assert owner.post("realm-settings-change", said=best).status_code == 302


@cases("name", ["max_sessions", "memory_max_bytes", "slug", "owner", "status"])
def test_what_is_the_operators_cannot_be_sent(owner: Person, name: str) -> None:
    before = Realm.objects.values().get()

    owner.post("realm-settings-change", said={**form_of(owner), name: "99"})

    assert Realm.objects.values().get() == before


def test_a_viewer_neither_sees_nor_sends_the_form(viewer: Person) -> None:
    assert viewer.get("realm-settings-change").status_code == 403
    assert viewer.post("realm-settings-change", said={"retention_days": "1"}).status_code == 403
    assert Realm.objects.get().retention_days == 30


def test_all_of_the_realm_is_exported(owner: Person, alice: Agent, bob: Agent) -> None:
    alice.send(bob)

    answer = owner.post("realm-export")

    assert answer["Content-Disposition"] == 'attachment; filename="default.jsonl"'
    lines = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert {"realm", "session", "message", "delivery"} < {line["type"] for line in lines}
    assert AuditEvent.objects.filter(action="realm.exported", actor=owner.user.email).count() == 1


def test_only_the_owner_exports_and_deletes(owner: Person, admin: Person) -> None:
    for person, status in ((admin, 403), (owner, 200)):
        assert person.get("realm-delete").status_code == status
        answer = person.post("realm-export")
        assert answer.status_code == status
        assert b"".join(answer)
    assert admin.post("realm-delete", said={"name": "default"}).status_code == 403
    assert owner.get("realm-export").status_code == 405
    assert AuditEvent.objects.filter(action="realm.exported").count() == 1


def test_a_realm_is_deleted_by_its_name(owner: Person, viewer: Person, alice: Agent) -> None:
    page = owner.get("realm-delete").content.decode()
    assert "Delete default" in page
    refused = owner.post("realm-delete", said={"name": "Default"})
    assert refused.status_code == 400
    assert viewer.get("realm-settings").status_code == 200

    answer = owner.post("realm-delete", said={"name": "default"})

    assert answer["Location"] == "/"
    assert "is deleted" in owner.browser.get("/").content.decode()
    for person in (owner, viewer):
        assert person.get("realm-settings").status_code == 404


def test_a_suspended_realm_is_exported_and_deleted_and_nothing_else(owner: Person) -> None:
    said = form_of(owner)
    set_realm(owner.realm, status=Realm.Status.SUSPENDED)

    page = words_of(owner.get("realm-settings"))
    changed = owner.post("realm-settings-change", said={**said, "retention_days": "7"})
    lines = b"".join(owner.post("realm-export").streaming_content).splitlines()

    assert owner.path("realm-export") in page and owner.path("realm-delete") in page
    assert owner.path("realm-settings-change") not in page
    assert (changed.status_code, Realm.objects.get().retention_days) == (403, 30)
    assert json.loads(lines[0])["status"] == "suspended"
    assert owner.post("realm-delete", said={"name": "default"}).status_code == 302
    assert Realm.objects.get().status == "deleted"


def test_the_page_asks_the_same_however_full_the_realm_is(
    owner: Person, alice: Agent, bob: Agent, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        alice.send(bob)
        written(alice, "project.name")

    with django_assert_max_num_queries(14):
        owner.get("realm-settings")
    with django_assert_max_num_queries(18):
        owner.get("realm-delete")
