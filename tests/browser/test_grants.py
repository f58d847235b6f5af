"""Grants in the browser: what agents ask for appears by itself, and is decided in a session's place."""

import pytest

from hub.grants.models import Grant
from realms.models import Realm
from tests.browser.conftest import Windows
from tests.browser.window import Window
from tests.cast import new_realm
from tests.live.client import WireAgent

WISH = {"capability": "memory.read", "namespace": "project.*", "reason": "To read it."}


@pytest.fixture
def waiting(owner: Window, realm: Realm, alice: WireAgent, bob: WireAgent) -> Window:
    """The owner's queue, in which a request of alice's has appeared by itself."""
    owner.go(f"/realms/{realm.pk}/grants")
    owner.says("Nothing waits for a decision")
    assert alice.post("/grants", {"to": bob.id, **WISH}).is_success
    owner.says("alice asks bob")
    return owner


def test_a_request_is_approved_and_the_agent_told(waiting: Window, alice: WireAgent, realm: Realm) -> None:
    waiting.press("Approve")

    waiting.says("alice may now use memory.read project.* of bob")
    assert Grant.objects.get().status == "active"
    told = alice.http.get("/messages", headers=alice.headers()).json()["messages"]
    assert [message["payload"]["event"] for message in told] == ["approved"]
    assert told[0]["from"] == "hub"


def test_a_request_is_narrowed(waiting: Window) -> None:
    waiting.follow("Narrow…")
    waiting.fill("Namespace", "other.*")
    waiting.press("Approve this much")
    waiting.says("can only narrow")
    waiting.forgive("400")

    waiting.fill("Namespace", "project.name")
    waiting.press("Approve this much")

    waiting.says("may now use what you left of it")
    assert Grant.objects.get().namespace == "project.name"


def test_the_other_window_sees_what_was_decided(waiting: Window, windows: Windows, realm: Realm) -> None:
    other = windows.open(realm.owner)
    other.go(f"/realms/{realm.pk}/grants")
    mallory = windows.open(new_realm("mallory").owner)
    mallory.go("/")

    waiting.press("Deny")

    other.says("Nothing waits for a decision")
    assert mallory.go(f"/realms/{realm.pk}/grants").status == 404
    mallory.forgive("404")
