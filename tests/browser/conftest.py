"""Fixtures of the browser tests: a real Chromium, at a real hub.

A page that writes an error into the console, or breaks the policy of what it may load, fails its test.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request, sync_playwright

from accounts.models import User
from realms.members.models import Role
from realms.models import Realm
from tests.accounts.attempts import no_attempts
from tests.accounts.person import Person, new_person
from tests.browser.installed import chromium as installed_chromium
from tests.browser.window import Window
from tests.cast import new_agent, new_key, new_realm
from tests.console.people import new_member
from tests.live.client import WireAgent

__all__ = ["no_attempts"]

# Chromium loads pages of its own for the address bar into each new window, which takes a second of CPU time.
OWN_PAGES = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"]
# The list replaces Playwright's; these of its features would change pages or ask other hosts.
PLAYWRIGHTS = [
    "HttpsUpgrades",
    "PaintHolding",
    "MediaRouter",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
]
ARGUMENTS = ["--no-sandbox", f"--disable-features={','.join(OWN_PAGES + PLAYWRIGHTS)}"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix() and installed_chromium() is None:
            item.add_marker(pytest.mark.skip(reason="needs Chromium"))


@pytest.fixture(autouse=True)
def _queries_beside_playwright(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright runs a loop in the test's thread, where Django would take each query for a mistake."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="module")
def chromium(server: str) -> Iterator[Browser]:
    """A browser, without the sandbox that root may not have.

    The server, and with it the database, is made before: not beside a loop in the same thread.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


class Windows:
    """Opens windows, each with cookies of its own."""

    def __init__(self, browser: Browser, base: str) -> None:
        self._browser = browser
        self._base = base
        self.opened: list[Window] = []

    def open(self, user: User | None = None, **look: object) -> Window:
        """Return a window in which `user` is signed in, or nobody."""
        window = Window.open(self._browser, self._base, user, **look)
        self.opened.append(window)
        return window


@pytest.fixture
def windows(chromium: Browser, server: str, transactional_db: None) -> Iterator[Windows]:
    """Windows at the hub, which are closed and looked through for errors at the end."""
    opener = Windows(chromium, server.replace("127.0.0.1", "localhost"))  # by its name, which passkeys need
    yield opener
    errors = [error for window in opener.opened for error in window.close()]
    assert not errors, "\n".join(errors)


@pytest.fixture
def realm(transactional_db: None) -> Realm:
    """Alice's realm."""
    return new_realm("alice")


@pytest.fixture
def key(realm: Realm) -> str:
    """A key of Alice's realm."""
    return new_key(realm)[1]


@pytest.fixture
def alice(server: str, key: str) -> Iterator[WireAgent]:
    """The agent `alice`."""
    with WireAgent(server, new_agent(key, "alice", capabilities=["delegate.receive"])) as agent:
        yield agent


@pytest.fixture
def bob(server: str, key: str) -> Iterator[WireAgent]:
    """The agent `bob`."""
    with WireAgent(server, new_agent(key, "bob", "executor")) as agent:
        yield agent


def is_refresh(request: Request) -> bool:
    """Tell whether a page asks anew, as it does when it begins to follow the feed and when that says so."""
    return "hx-request" in request.headers


class Stranger:
    """Somebody with a realm of their own, who watches it and learns nothing of another."""

    def __init__(self, window: Window, realm: Realm) -> None:
        self._window = window
        self._realm = realm
        self._refreshes = 0
        window.page.on("request", self._count)

    def _count(self, request: Request) -> None:
        self._refreshes += is_refresh(request)

    def watches(self, room: str) -> None:
        """Open a page of the own realm, and wait until it follows the feed."""
        with self._window.page.expect_response(lambda response: is_refresh(response.request)):
            self._window.go(f"/realms/{self._realm.pk}/{room}")

    def notices_nothing(self, *names: str) -> None:
        """See that the page was told of nothing and holds none of the names."""
        content = self._window.page.content()
        assert not [name for name in names if name in content]
        assert self._refreshes == 1

    def finds_nothing(self, *paths: str) -> None:
        """See that pages of another realm are as those that do not exist."""
        for path in paths:
            assert self._window.go(path).status == 404, path
        self._window.forgive("404")


@pytest.fixture
def stranger(windows: Windows) -> Stranger:
    """Mallory, who owns a realm of the same name."""
    realm = new_realm("mallory")
    return Stranger(windows.open(realm.owner), realm)


@pytest.fixture
def admin(windows: Windows, realm: Realm) -> Window:
    """The window of Adam, an admin of Alice's realm."""
    return windows.open(new_member(realm, "adam", Role.ADMIN).user)


@pytest.fixture
def person(transactional_db: None) -> Person:
    """Paula, who has an account and belongs to no realm."""
    return new_person("paula")


@pytest.fixture
def owner(windows: Windows, realm: Realm) -> Window:
    """The window of Alice, who owns the realm."""
    return windows.open(realm.owner)


@pytest.fixture
def busy(realm: Realm, alice: WireAgent, bob: WireAgent) -> Realm:
    """A realm with something in each of its rooms."""
    alice.send(bob.id)
    assert bob.post("/memory", {"entries": [{"key": "project.name", "value": {"a": [1, None]}}]}).is_success
    wish = {"to": bob.id, "capability": "memory.read", "namespace": "project.*", "reason": "To read it."}
    assert alice.post("/grants", wish).is_success
    new_member(realm, "vera", Role.VIEWER)
    return realm
