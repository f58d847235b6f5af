"""Sessions in the browser: they come by themselves, are pinged, and are ended."""

from hub.sessions.models import Session
from realms.models import Realm
from tests.browser.window import Window
from tests.cast import new_agent
from tests.live.client import WireAgent


def test_a_session_appears_in_the_list(owner: Window, realm: Realm, key: str) -> None:
    owner.go(f"/realms/{realm.pk}/sessions")
    owner.says("There are no sessions yet")

    new_agent(key, "newcomer")

    owner.says("newcomer")


def test_a_ping_is_answered_while_one_watches(owner: Window, realm: Realm, bob: WireAgent) -> None:
    owner.go(f"/realms/{realm.pk}/sessions/{bob.id}")
    with bob.stream() as stream:
        owner.press("Ping")
        event = stream.next()
        assert event.data["category"] == "ping"
        pong = {"aisp": "0.1", "from": bob.id, "to": "hub", "category": "pong"}
        assert bob.post("/messages", {**pong, "payload": event.data["payload"]}).is_success

        owner.says(" ms")


def test_a_session_is_ended_by_its_name(owner: Window, realm: Realm, alice: WireAgent) -> None:
    owner.go(f"/realms/{realm.pk}/sessions/{alice.id}")
    owner.follow("Deregister")
    owner.fill("Type “alice” to confirm", "alice")
    owner.press("Deregister for good")

    owner.says("deregistered")
    assert Session.objects.get(pk=alice.id).status == "deregistered"
