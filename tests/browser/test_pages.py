"""Every page, as it looks: in both widths and schemes, with nothing that axe finds against it."""

import pytest
from django.urls import reverse

from hub.grants.models import Grant
from hub.messages.models import Message
from realms.members.models import Role
from realms.models import Realm
from tests.browser.conftest import Windows
from tests.browser.window import Window
from tests.cast import new_realm
from tests.console.people import new_member
from tests.live.client import WireAgent

ROOMS = ("", "/sessions", "/messages", "/memory", "/grants", "/keys", "/members", "/audit", "/settings")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_with_something_in_it(owner: Window, busy: Realm, room: str) -> None:
    assert owner.go(f"/realms/{busy.pk}{room}").status == 200

    owner.check(f"room-{room.strip('/') or 'overview'}")


@pytest.mark.parametrize("room", ROOMS[1:5])
def test_an_empty_room_says_what_to_do(owner: Window, realm: Realm, room: str) -> None:
    assert owner.go(f"/realms/{realm.pk}{room}").status == 200

    owner.check(f"empty-{room.strip('/')}")


def test_pages_of_single_things(owner: Window, busy: Realm, alice: WireAgent) -> None:
    grant, message = Grant.objects.get(), Message.objects.exclude(sender=None).order_by("pk")[0]
    pages = {
        "session": ("realm-session", alice.id),
        "session-deregister": ("realm-session-deregister", alice.id),
        "message": ("realm-message", message.pk),
        "memory-entry": ("realm-memory-entry", "project.name"),
        "memory-entry-delete": ("realm-memory-entry-delete", "project.name"),
        "namespace-hand-over": ("realm-namespace-hand-over", "project"),
        "namespace-delete": ("realm-namespace-delete", "project"),
        "grant": ("realm-grant", grant.pk),
        "grant-narrow": ("realm-grant-narrow", grant.pk),
        "grant-revoke": ("realm-grant-revoke", grant.pk),
    }
    for name, (route, of) in pages.items():
        assert owner.go(reverse(route, args=[busy.pk, of])).status == 200, name
        owner.check(name)


def test_a_viewer_looks_and_changes_nothing(windows: Windows, busy: Realm, bob: WireAgent) -> None:
    viewer = windows.open(new_member(busy, "victor", Role.VIEWER).user)
    pages = {
        "keys": "/keys",
        "grants": "/grants",
        "members": "/members",
        "settings": "/settings",
        "session": f"/sessions/{bob.id}",
        "memory-entry": "/memory/entry/project.name",
    }
    for name, path in pages.items():
        assert viewer.go(f"/realms/{busy.pk}{path}").status == 200
        assert viewer.page.locator("main form[method=post], main a.danger").count() == 0, name
        viewer.check(f"viewer-{name}")
    viewer.says("A viewer does not see values")


def test_the_first_steps_when_all_is_done(owner: Window, busy: Realm) -> None:
    owner.go(f"/realms/{busy.pk}/start")
    owner.says("The realm works")
    owner.check("start-3-done")


def test_pages_that_belong_to_no_realm(owner: Window) -> None:
    new_realm("alice", "research", status=Realm.Status.SUSPENDED)
    owner.go("/")
    owner.check("home")
    owner.go("/realms/new")
    owner.check("new-realm")
    owner.go("/nothing")
    owner.forgive("404")
    owner.check("not-found")
