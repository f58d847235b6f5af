"""Settings in the browser: changed, exported, and the realm's end before everybody's eyes."""

import json

from playwright.sync_api import expect

from realms.models import Realm
from realms.owners import set_realm_status
from tests.browser.conftest import Stranger
from tests.browser.window import Window
from tests.cast import OPERATOR
from tests.live.client import WireAgent

TIMEOUT = "A session is inactive after (seconds)"
INBOX = "Unread messages an inbox holds"
RETENTION = "Keep read messages for (days)"


def exported(window: Window) -> list[str]:
    """Return the types of the export's lines."""
    lines = window.download("Export everything", "button").read_text().splitlines()
    return [json.loads(line)["type"] for line in lines]


def test_settings_are_changed_and_bad_values_explained(owner: Window, admin: Window, realm: Realm) -> None:
    owner.go(f"/realms/{realm.pk}/settings")
    owner.follow("Change settings")
    owner.fill(RETENTION, "7")
    for label, value, words in ((TIMEOUT, "5", "equal to 10"), (INBOX, "20000", "at most 10000")):
        owner.fill(label, value)
        owner.press("Save")
        field = owner.page.locator(".field", has=owner.page.get_by_label(label))
        expect(field.locator(".errorlist")).to_contain_text(words)
        owner.forgive("400")
        assert Realm.objects.get(pk=realm.pk).retention_days == 30
        owner.fill(TIMEOUT, "60")
    owner.check("settings-wrong")
    owner.fill(INBOX, "500")
    owner.fill("Reads a minute of each key", "77")
    owner.page.get_by_label("Refuse messages without a signature").check()
    owner.press("Save")
    owner.says("The settings are saved")

    admin.go(f"/realms/{realm.pk}/settings")
    facts = admin.page.locator(".facts").first
    for value in ("7", "60", "500", "77", "yes"):
        expect(facts.get_by_text(value, exact=True)).to_be_visible()
    expect(admin.page.get_by_role("button", name="Export everything")).to_have_count(0)


def test_a_realm_is_taken_along_and_ended(
    owner: Window, admin: Window, stranger: Stranger, realm: Realm, alice: WireAgent, bob: WireAgent
) -> None:
    alice.send(bob.id)
    stranger.finds_nothing(f"/realms/{realm.pk}/settings", f"/realms/{realm.pk}/settings/delete")
    stranger.watches("settings")
    admin.go(f"/realms/{realm.pk}/sessions")
    admin.says("alice")
    owner.go(f"/realms/{realm.pk}/settings")
    types = exported(owner)
    assert types[0] == "realm" and types[-1] == "audit_event"
    assert {"member", "key", "session", "message", "delivery"} < set(types)

    owner.follow("Delete the realm")
    owner.check("realm-delete")
    owner.fill("Type “default” to confirm", "defaults")
    owner.press("Delete for good")
    owner.says("Nothing was changed")
    owner.forgive("400")
    owner.fill("Type “default” to confirm", "default")
    owner.press("Delete for good")

    owner.says("default is deleted")
    owner.says("You belong to no realm")
    owner.check("home-empty")
    admin.says("What this page shows is gone")
    admin.follow("Load it again")
    admin.says("There is no such page")
    admin.forgive("404")
    assert alice.get("/messages").status_code == 401
    stranger.notices_nothing("alice", realm.pk)


def test_a_suspended_realm_says_so_and_lets_its_owner_take_it_along(
    owner: Window, admin: Window, realm: Realm
) -> None:
    for window in (owner, admin):
        window.go(f"/realms/{realm.pk}/settings")
        expect(window.page.locator("#suspended")).to_be_hidden()

    set_realm_status(realm=realm, status=Realm.Status.SUSPENDED, by=OPERATOR)

    for window in (owner, admin):
        window.says("The hub's operator has suspended this realm")
    expect(admin.page.locator("#suspended a")).to_have_count(0)
    owner.follow("export or delete it")
    owner.check("settings-suspended")
    assert exported(owner)[0] == "realm"
    owner.go(f"/realms/{realm.pk}/settings/change")
    owner.press("Save")
    owner.says("suspended")
    owner.forgive("403")
    owner.check("refused-403")
