"""What a page of the console follows, it shows, also when much happens at once."""

import re

from playwright.sync_api import Route, expect

from realms.models import Realm
from tests.browser.conftest import is_refresh
from tests.browser.window import Window

# The page's feed, to be told of something that did not happen.
KEEP_FEED = (
    "window.EventSource = class extends EventSource { constructor(at) { super(at); window.feed = this; } }"
)
MARK = "() => document.querySelectorAll('[data-live]').forEach((place) => (place.isFromBefore = true))"
REPLACED = "() => [...document.querySelectorAll('[data-live]')].every((place) => !place.isFromBefore)"
TELL = "topics => topics.forEach((topic) => window.feed.dispatchEvent(new MessageEvent(topic)))"


def test_what_is_new_while_a_page_asks_anew_is_asked_once_afterwards(owner: Window, realm: Realm) -> None:
    page = owner.page
    page.add_init_script(KEEP_FEED)
    held: list[Route] = []
    page.route("**", lambda route: held.append(route) if is_refresh(route.request) else route.continue_())
    with page.expect_request(is_refresh):
        owner.go(f"/realms/{realm.pk}")
    page.evaluate(TELL, ["control", "traffic", "traffic"])

    with page.expect_request(is_refresh):
        held.pop().continue_()
    page.evaluate(MARK)
    with page.expect_response(lambda response: is_refresh(response.request)):
        held.pop().continue_()

    page.wait_for_function(REPLACED)
    assert not held


def test_what_is_pressed_is_not_replaced_before_it_is_clicked(owner: Window, busy: Realm) -> None:
    page = owner.page
    held: list[Route] = []
    page.route("**", lambda route: held.append(route) if is_refresh(route.request) else route.continue_())
    with page.expect_request(is_refresh):
        owner.go(f"/realms/{busy.pk}/sessions")
    page.get_by_role("link", name="bob", exact=True).hover()
    page.mouse.down()
    with page.expect_event("requestfinished", is_refresh):
        held.pop().continue_()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    page.mouse.up()

    expect(page).to_have_url(re.compile(r"/sessions/sess_\w+$"))


def test_what_came_while_something_was_pressed_shows_after_it(owner: Window, realm: Realm) -> None:
    page = owner.page
    page.add_init_script(KEEP_FEED)
    with page.expect_event("requestfinished", is_refresh):
        owner.go(f"/realms/{realm.pk}")
    page.get_by_role("heading", level=1).hover()
    page.mouse.down()
    page.evaluate(MARK)
    page.evaluate(TELL, ["control", "traffic"])
    page.mouse.up()

    page.wait_for_function(REPLACED)
