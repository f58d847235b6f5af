"""Keys in the browser: issued, rotated, ended, by hand and by keyboard."""

import re

from playwright.sync_api import Page, expect

from realms.models import ApiKey, Realm
from tests.browser.conftest import Windows
from tests.browser.window import Window


def shown(page: Page) -> str:
    """Return the secret that a page shows."""
    return page.locator("#secret").text_content() or ""


def test_a_key_lives_from_its_issue_to_its_end(owner: Window, realm: Realm) -> None:
    owner.go(f"/realms/{realm.pk}/keys")
    owner.says("There are no keys yet")
    owner.check("keys-empty")
    owner.follow("Issue a key")
    owner.check("key-issue")
    owner.fill("Name", "research agents")
    owner.press("Issue the key")
    first = shown(owner.page)
    owner.check("key-shown-once")

    owner.follow("I have it: go to the key")
    owner.follow("Rotate")
    owner.check("key-rotate")
    owner.press("Rotate the key")
    assert shown(owner.page) != first
    owner.follow("I have it: go to the key")
    owner.says(f"The old secret aisp_…{first[-4:]} still works")
    owner.check("key-in-grace")
    owner.press("End it now")
    owner.says("The old secret has ended")

    owner.press("Disable")
    owner.says("disabled")
    owner.press("Enable")
    owner.follow("Revoke")
    owner.check("key-revoke")
    owner.fill("Type “research agents” to confirm", "research")
    owner.press("Revoke for good")
    owner.says("Nothing was changed")
    owner.forgive("400")
    owner.fill("Type “research agents” to confirm", "research agents")
    owner.press("Revoke for good")
    owner.says("“research agents” is revoked")
    assert ApiKey.objects.get().status == "revoked"


def test_two_people_see_the_same_list(windows: Windows, owner: Window, realm: Realm, key: str) -> None:
    other = windows.open(realm.owner)
    for window in (owner, other):
        window.go(f"/realms/{realm.pk}/keys")
    row = other.page.get_by_role("row", name=re.compile("test"))
    expect(row).to_contain_text("active")

    owner.follow("test")
    owner.press("Disable")

    expect(row).to_contain_text("disabled")


def test_a_key_is_issued_by_keyboard_alone(owner: Window, realm: Realm) -> None:
    owner.go(f"/realms/{realm.pk}/keys/issue")
    keyboard = owner.page.keyboard
    for _ in range(40):
        keyboard.press("Tab")
        if owner.page.evaluate("document.activeElement.name") == "name":
            break
    keyboard.type("typed")
    keyboard.press("Enter")

    owner.says("It is kept nowhere and is not shown again")
    assert ApiKey.objects.get().name == "typed"
