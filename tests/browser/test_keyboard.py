"""The console by keyboard alone: the focus shows, goes where it should, and stays when pages change."""

from playwright.sync_api import expect

from hub.grants.models import Grant
from realms.models import Realm
from tests.browser.window import Window
from tests.live.client import WireAgent


def ask(requester: WireAgent, grantor: WireAgent, namespace: str) -> str:
    """Have one agent ask another for a grant, and return its id."""
    wish = {"to": grantor.id, "capability": "memory.read", "namespace": namespace}
    answer = requester.post("/grants", wish)
    assert answer.is_success, answer.text
    return str(answer.json()["grant_id"])


def test_a_grant_is_approved_and_revoked_without_a_mouse(
    owner: Window, realm: Realm, alice: WireAgent, bob: WireAgent
) -> None:
    grant = ask(alice, bob, "project.*")
    owner.go(f"/realms/{realm.pk}/grants")
    keyboard = owner.page.keyboard

    owner.tab_to(".skip")
    keyboard.press("Enter")
    keyboard.press("Tab")
    assert owner.page.evaluate("document.activeElement.closest('main') !== null"), "the rooms are skipped"
    owner.tab_to(f"#approve-{grant}")
    keyboard.press("Enter")
    owner.says("alice may now use memory.read project.* of bob")

    owner.tab_to("nav.tabs a[href*=active]")
    keyboard.press("Enter")
    owner.page.wait_for_url("**status=active**")
    owner.tab_to(f"#revoke-{grant}")
    keyboard.press("Enter")
    owner.says("Revoke a grant")
    owner.tab_to("main button.danger")
    keyboard.press("Enter")
    owner.says("alice may not use memory.read project.* of bob any more")
    assert Grant.objects.get().status == "revoked"


def test_the_focus_stays_where_it_is_when_the_page_changes(
    owner: Window, realm: Realm, alice: WireAgent, bob: WireAgent
) -> None:
    first = ask(alice, bob, "project.*")
    owner.go(f"/realms/{realm.pk}/grants")
    badge = owner.page.locator("#pending")
    expect(badge).to_have_text("1")
    owner.tab_to(f"#approve-{first}")
    button = owner.page.locator(f"#approve-{first}").element_handle()

    ask(alice, bob, "other.*")

    owner.says("other.*")
    expect(badge).to_have_text("2")
    assert not button.evaluate("(button) => button.isConnected"), "the page has a new one"
    expect(owner.page.locator(f"#approve-{first}:focus-visible")).to_have_css("outline-style", "solid")
    owner.page.keyboard.press("Enter")
    owner.says("alice may now use memory.read project.* of bob")
