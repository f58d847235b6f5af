"""The first minute: a key, a session, a message."""

import re

from django.test import override_settings

from realms.key_format import KEY_PATTERN
from tests.cast import new_agent
from tests.console.people import Person


@override_settings(HUB_ORIGIN="https://hub.example.com")
def test_it_leads_from_the_key_to_the_first_message(owner: Person) -> None:
    assert "Issue the first key" in owner.get("realm-start").content.decode()

    page = owner.post("realm-start").content.decode()
    found = re.search(KEY_PATTERN, page)
    assert found is not None
    assert f"export HUB=https://hub.example.com KEY={found[0]}" in page
    assert "Waiting for the first session" in page

    alice = new_agent(found[0], "first-agent")
    page = owner.get("realm-start").content.decode()
    assert found[0] not in page
    assert "first-agent" in page
    assert f"&quot;{alice.id}&quot;" in page or f'"{alice.id}"' in page
    assert "Waiting for the first message" in page

    alice.send(alice)
    page = owner.get("realm-start").content.decode()
    assert "The realm works" in page


def test_what_the_hub_says_is_no_first_message(owner: Person) -> None:
    found = re.search(KEY_PATTERN, owner.post("realm-start").content.decode())
    assert found is not None
    one, two = new_agent(found[0], "one", capabilities=["work.do"]), new_agent(found[0], "two")
    grant = one.grant(two, "work.do")

    page = owner.get("realm-start").content.decode()

    assert grant
    assert "Waiting for the first message" not in page, "a grant's notice is from the session that asks"


def test_a_viewer_is_told_whom_to_ask(viewer: Person) -> None:
    assert viewer.get("realm-start").status_code == 403
