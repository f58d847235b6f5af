"""Memory in the browser: from a namespace down to a value, while agents write and others delete."""

from playwright.sync_api import expect

from hub.memory.models import MemoryEntry, MemoryNamespace
from realms.models import Realm
from tests.browser.conftest import Stranger
from tests.browser.window import Window
from tests.live.client import WireAgent


def write(agent: WireAgent, key: str, value: object) -> None:
    """Have an agent write one entry."""
    answer = agent.post("/memory", {"entries": [{"key": key, "value": value}]})
    assert answer.is_success, answer.text


def test_an_entry_is_found_and_deleted_while_another_looks_at_it(
    owner: Window, admin: Window, stranger: Stranger, realm: Realm, alice: WireAgent
) -> None:
    room = f"/realms/{realm.pk}/memory"
    for window in (owner, admin):
        window.go(room)
        window.says("The memory is empty")
    stranger.watches("memory")

    write(alice, "project.plan", {"steps": 2, "done": False, "title": "first"})

    for window in (owner, admin):
        window.follow("project")
        window.says("alice")
    write(alice, "project.plan.steps.first", [1, 2])
    owner.says("plan.…")
    owner.check("memory-below-deep")
    for window in (owner, admin):
        window.follow("plan")
    value = owner.page.locator("pre.json")
    colours = {
        owner.page.evaluate("(css) => getComputedStyle(document.querySelector(css)).color", css)
        for css in ("pre.json", "pre.json .nt", "pre.json .s2", "pre.json .mi")
    }
    assert len(colours) > 2, "names, texts and numbers are told apart"
    owner.check("memory-entry-in-colours")

    write(alice, "project.plan", {"steps": 2, "done": True, "title": "the second"})

    for window in (owner, admin):
        expect(window.page.locator("pre.json")).to_contain_text("the second")
        expect(window.page.locator("#entry dl")).to_contain_text("2")
    expect(value).not_to_contain_text("first")

    owner.follow("Delete")
    owner.says("The value is gone for good")
    owner.press("Delete the entry")
    owner.says("The entry project.plan is deleted")
    admin.says("What this page shows is gone")
    admin.check("stale")
    admin.forgive("404")
    assert list(MemoryEntry.objects.values_list("key", flat=True)) == ["project.plan.steps.first"]
    stranger.notices_nothing("alice", realm.pk)
    stranger.finds_nothing(room, f"{room}?prefix=project", f"{room}/entry/project.plan.steps.first")


def test_a_namespace_gets_another_owner_and_ends(
    owner: Window, admin: Window, realm: Realm, alice: WireAgent, bob: WireAgent
) -> None:
    write(alice, "project.name", "My Project")
    owner.go(f"/realms/{realm.pk}/memory?prefix=project")
    admin.go(f"/realms/{realm.pk}/memory")
    row = admin.page.get_by_role("row", name="project")
    expect(row).to_contain_text("alice")

    owner.follow("Hand over")
    owner.fill("To the session", "nobody")
    owner.press("Hand it over")
    owner.says("The realm has no such session")
    owner.forgive("400")
    owner.fill("To the session", "bob")
    owner.press("Hand it over")
    owner.says("The namespace project has a new owner")
    expect(row).to_contain_text("bob")
    assert MemoryNamespace.objects.get().owner_id == bob.id

    owner.follow("Delete")
    owner.fill("Type “project” to confirm", "Project")
    owner.press("Delete for good")
    owner.says("Nothing was changed")
    owner.forgive("400")
    owner.check("namespace-delete-wrong")
    owner.fill("Type “project” to confirm", "project")
    owner.press("Delete for good")
    owner.says("The namespace project is deleted, with 1 entry")
    admin.says("The memory is empty")
    assert not MemoryNamespace.objects.exists()
