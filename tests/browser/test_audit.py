"""The audit log in the browser: narrowed, taken along as files, and verified."""

import csv
import json

import pytest
from playwright.sync_api import expect

from hub.console import audit
from realms.models import Realm
from tests.audit.tampering import edit
from tests.browser.conftest import Stranger
from tests.browser.window import Window
from tests.cast import new_agent


def test_events_are_narrowed_and_taken_along(
    owner: Window, admin: Window, stranger: Stranger, realm: Realm, key: str
) -> None:
    room = f"/realms/{realm.pk}/audit"
    owner.go(room)
    admin.go(room)
    stranger.watches("audit")
    agents = [new_agent(key, name) for name in ("alice", "bob")]
    for window in (owner, admin):
        expect(window.page.get_by_role("row", name=agents[1].id)).to_be_visible()

    owner.fill("Action begins with", "session.")
    owner.press("Filter")
    expect(owner.page.get_by_role("row", name="session.registered")).to_have_count(2)
    expect(owner.page.get_by_role("row", name="realm.created")).to_have_count(0)
    owner.says("what the filters leave")
    owner.check("audit-filtered")
    lines = owner.download("JSON lines").read_text().splitlines()
    with owner.download("CSV").open(newline="") as file:
        rows = list(csv.DictReader(file))
    events = [json.loads(line) for line in lines]
    assert [event["target"] for event in events] == [row["target"] for row in rows] == [a.id for a in agents]
    assert {event["action"] for event in events} == {row["action"] for row in rows} == {"session.registered"}

    owner.fill("Action begins with", "Sessions!")
    owner.press("Filter")
    owner.says("An action is a word such as")
    owner.check("audit-wrong-filter")
    owner.forgive("400")
    owner.follow("All events")
    everything = owner.download("JSON lines").read_text().splitlines()
    assert [json.loads(line)["number"] for line in everything] == list(range(1, len(everything) + 1))
    assert len(everything) == 4, "the realm, its key and two sessions"
    stranger.notices_nothing("alice", "bob", realm.pk)
    stranger.finds_nothing(room, f"{room}/export", f"{room}/verify")


@pytest.mark.parametrize("per_request", [10_000, 2], ids=["at once", "part by part"])
def test_the_chain_is_verified_with_one_click(
    owner: Window, realm: Realm, key: str, per_request: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "EVENTS_PER_REQUEST", per_request)
    for name in ("alice", "bob", "carol"):
        new_agent(key, name)
    owner.go(f"/realms/{realm.pk}/audit")

    owner.follow("Verify the chain")

    owner.says("The chain is whole: 5 events")
    head = owner.page.locator("#head").text_content() or ""
    assert head.startswith("5:")
    owner.fill("A head that you noted earlier", head)
    owner.press("Verify again")
    owner.says("it leads through the head that you noted")


def test_an_event_that_was_edited_shows(owner: Window, realm: Realm, key: str) -> None:
    new_agent(key, "alice")
    owner.go(f"/realms/{realm.pk}/audit/verify")
    owner.says("The chain is whole")
    owner.check("audit-verified")

    edit(realm, 2, target="somebody else")
    owner.press("Verify again")

    owner.says("The log was tampered with")
    owner.check("audit-tampered")
