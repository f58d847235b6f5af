"""Every page, as it looks: in both widths and schemes, with nothing that axe finds against it."""

import pytest

from realms.models import Realm
from tests.browser.window import Window
from tests.live.client import WireAgent

ROOMS = ("", "/keys")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_with_something_in_it(
    owner: Window, realm: Realm, alice: WireAgent, bob: WireAgent, room: str
) -> None:
    alice.send(bob.id)

    assert owner.go(f"/realms/{realm.pk}{room}").status == 200

    owner.check(f"room-{room.strip('/') or 'overview'}")


def test_pages_that_belong_to_no_realm(owner: Window) -> None:
    owner.go("/realms/new")
    owner.check("new-realm")
    owner.go("/nothing")
    owner.forgive("404")
    owner.check("not-found")
