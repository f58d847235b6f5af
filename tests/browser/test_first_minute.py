"""The first minute of an owner: from nothing to a message, on a page that turns by itself."""

import re

from playwright.sync_api import expect

from realms.models import Realm
from tests.browser.conftest import Windows
from tests.browser.window import Window
from tests.cast import new_agent, new_realm
from tests.live.client import WireAgent


def test_the_page_turns_with_the_first_session_and_the_first_message(owner: Window, server: str) -> None:
    owner.go("/")
    owner.says("Three steps in a terminal")
    owner.check("start-1-empty")

    owner.press("Issue the first key")
    line = owner.page.locator("#export").text_content() or ""
    key = re.search(r"KEY=(aisp_\w+)", line)
    assert key is not None
    owner.says("Waiting for the first session")

    with WireAgent(server, new_agent(key[1], "first-agent")) as agent:
        owner.says("first-agent is here")
        owner.says("Waiting for the first message")
        expect(owner.page.locator("#export")).to_contain_text(key[1])
        owner.check("start-2-session")

        agent.send(agent.id)
        owner.says("The realm works")


def test_what_is_to_be_pasted_is_copied(windows: Windows, realm: Realm) -> None:
    owner = windows.open(realm.owner, permissions=["clipboard-read", "clipboard-write"])
    owner.go(f"/realms/{realm.pk}/start")
    owner.press("Issue the first key")

    owner.page.get_by_role("button", name="Copy").first.click()

    expect(owner.page.get_by_role("button", name="Copied")).to_be_visible()
    copied = owner.page.evaluate("navigator.clipboard.readText()")
    assert copied == owner.page.locator("#export").text_content()


def test_the_steps_work_without_javascript(windows: Windows, realm: Realm, server: str) -> None:
    owner = windows.open(realm.owner, java_script_enabled=False)
    owner.go(f"/realms/{realm.pk}/start")
    owner.press("Issue the first key")
    key = re.search(r"KEY=(aisp_\w+)", owner.page.locator("#export").text_content() or "")
    assert key is not None

    new_agent(key[1], "first-agent")
    owner.go(f"/realms/{realm.pk}/start")

    owner.says("first-agent is here")


def test_the_steps_of_another_realm_do_not_turn(windows: Windows, realm: Realm, alice: WireAgent) -> None:
    other = new_realm("mallory")
    mallory = windows.open(other.owner)
    mallory.go(f"/realms/{other.pk}/start")
    alice_window = windows.open(realm.owner)
    alice_window.go(f"/realms/{realm.pk}/start")

    alice.send(alice.id)

    alice_window.says("The realm works")
    mallory.says("Waiting for the first session")
    assert mallory.go(f"/realms/{realm.pk}/start").status == 404
    mallory.forgive("404")
