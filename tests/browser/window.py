"""A browser's window in which one person works."""

import re
from pathlib import Path
from typing import Any, Self

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect

from accounts.models import User

PICTURES = Path(__file__).parent.parent.parent / ".screenshots"
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
# What axe finds depends on both, but not on each pair of them; it takes half a second.
EXAMINED = ((1280, "light"), (390, "dark"))
# WCAG 2.2 A and AA, and what axe's makers advise besides.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE_MILLISECONDS = 10_000
TABS = 60  # more than any page has controls up to the one that a test goes to
# What can have the focus in a part of the page that follows the feed, and could not be found again after it.
LOSES_FOCUS = """
[...document.querySelectorAll("[data-live] :is(a, button, input, select, textarea, summary, [tabindex])")]
  .filter((each) => each.type !== "hidden")
  .filter((each) => !each.id || document.querySelectorAll("#" + CSS.escape(each.id)).length > 1)
  .map((each) => each.outerHTML)
"""

expect.set_options(timeout=PATIENCE_MILLISECONDS)


class Window:
    """A page, the cookies it has, and what went wrong in it."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.context = context
        self.base = base
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MILLISECONDS)
        self.errors: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(f"{self.page.url}: {error}"))

    @classmethod
    def open(cls, browser: Browser, base: str, user: User | None, **look: Any) -> Self:
        """Open a window; `look` is what Playwright takes of a context, such as `color_scheme`."""
        context = browser.new_context(base_url=base, reduced_motion="reduce", **look)
        if user is not None:
            client = Client()
            client.force_login(user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        return cls(context, base)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{self.page.url}: {message.text}")

    def forgive(self, pattern: str) -> None:
        """Take errors of the console that a test brings about out of the list; one has to be there."""
        kept = [error for error in self.errors if not re.search(pattern, error)]
        assert len(kept) < len(self.errors), f"no error with {pattern} in {self.errors}"
        self.errors = kept

    def go(self, path: str) -> Response:
        """Open a page of the hub."""
        response = self.page.goto(path)
        assert response is not None
        return response

    def says(self, text: str | re.Pattern[str]) -> None:
        """Wait until the page shows a text."""
        expect(self.page.locator("main")).to_contain_text(text)

    def press(self, name: str) -> None:
        """Press the button of this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        """Follow the link of this name."""
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def fill(self, label: str, text: str) -> None:
        """Write into the field of this label."""
        self.page.get_by_label(label).fill(text)

    def tab_to(self, selector: str) -> None:
        """Press Tab until the focus is where `selector` says, and see that this shows."""
        for _ in range(TABS):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("(there) => document.activeElement.matches(there)", selector):
                break
        focused = self.page.locator(f"{selector}:focus-visible")
        expect(focused).to_be_in_viewport()
        expect(focused).to_have_css("outline-style", "solid")

    def check(self, name: str) -> None:
        """See that a page holds up in both widths and schemes, and take its pictures.

        It is as wide as the window, axe finds nothing against it, and what is replaced by itself keeps the
        focus.
        """
        PICTURES.mkdir(exist_ok=True)
        losing = self.page.evaluate(LOSES_FOCUS)
        faults = [f"{name}: a refresh takes the focus from {each}" for each in losing]
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for width in WIDTHS:
                self.page.set_viewport_size({"width": width, "height": 900})
                self.page.screenshot(path=PICTURES / f"{name}-{width}-{scheme}.png", full_page=True)
                if self.page.evaluate("document.documentElement.scrollWidth") > width:
                    faults.append(f"{name} is wider than {width}")
                if (width, scheme) in EXAMINED:
                    faults.extend(f"{name} {width} {scheme}: {fault}" for fault in self.violations())
        assert not faults, "\n".join(faults)

    def violations(self) -> list[str]:
        """Return what axe finds against the page as it is now."""
        options = {"runOnly": {"type": "tag", "values": RULES}}
        found = Axe().run(self.page, options=options).response["violations"]
        return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]

    def close(self) -> list[str]:
        """Close the window and return what went wrong in it."""
        self.context.close()
        return self.errors
