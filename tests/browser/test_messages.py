"""Messages in the browser: they flow by themselves, and what one says is its owner's to open."""

from playwright.sync_api import expect

from realms.models import Realm
from tests.browser.conftest import Stranger
from tests.browser.window import Window
from tests.cast import new_agent
from tests.live.client import WireAgent

CANARY = "canary-7f3a"


def test_a_message_goes_its_way_before_everybodys_eyes(
    owner: Window, admin: Window, stranger: Stranger, realm: Realm, alice: WireAgent, bob: WireAgent, key: str
) -> None:
    room = f"/realms/{realm.pk}/messages"
    for window in (owner, admin):
        window.go(room)
        window.says("No message has been sent yet")
    stranger.watches("messages")

    with WireAgent(alice.base, new_agent(key, "carol")) as carol:
        message = alice.send([bob.id, carol.id], payload={"text": CANARY})
        for window in (owner, admin):
            window.says("2 sessions")
            window.page.locator(f"#to-{message}").click()
        trace = owner.page.locator("#trace")
        expect(trace.get_by_role("row", name="bob")).to_contain_text("queued")
        bob.get("/messages")
        expect(trace.get_by_role("row", name="bob")).to_contain_text("read")
        expect(trace.get_by_role("row", name="carol")).to_contain_text("queued")
        owner.check("message-of-two")

        assert CANARY not in owner.page.content()
        owner.press("Open the payload")
        owner.says(CANARY)
        owner.says("That you opened it stands in the audit log")
        owner.check("message-open")
        carol.get("/messages")
        expect(trace.get_by_role("row", name="carol")).to_contain_text("read")
        owner.says(CANARY)

    admin.says("Only the realm's owner can open a payload")
    expect(admin.page.get_by_role("button", name="Open the payload")).to_have_count(0)
    admin.follow("Audit")
    expect(admin.page.get_by_role("row", name="message.payload_opened")).to_contain_text(message)
    stranger.notices_nothing("alice", "bob", message)
    stranger.finds_nothing(room, f"{room}/{message}")


def test_filters_narrow_the_flow(owner: Window, realm: Realm, alice: WireAgent, bob: WireAgent) -> None:
    plain, event, back = alice.send(bob.id), alice.send(bob.id, "event"), bob.send(alice.id, "event")
    owner.go(f"/realms/{realm.pk}/messages")
    page = owner.page

    def shown() -> set[str]:
        links = page.locator("tbody td:first-child a")
        return {str(link.get_attribute("id")).removeprefix("to-") for link in links.all()}

    assert shown() == {plain, event, back}
    page.get_by_label("Category").select_option("event")
    owner.press("Filter")
    page.wait_for_url("**category=event**")
    assert shown() == {event, back}
    owner.fill("From", "alice")
    owner.press("Filter")
    page.wait_for_url("**sender=alice**")
    assert shown() == {event}
    owner.check("messages-filtered")
    owner.follow("Show all")
    page.wait_for_url(lambda url: "?" not in url)
    assert shown() == {plain, event, back}

    owner.fill("To", "nobody")
    owner.press("Filter")
    owner.says("The realm has no session with this name or id")
    owner.forgive("404")
