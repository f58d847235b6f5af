"""A browser's window in which one person works."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect

from accounts.models import User
from tests.client import Client

Look = tuple[int, Literal["light", "dark"]]

PICTURES = Path(__file__).parent.parent.parent / ".screenshots"
TAKES_PICTURES = "TEST_PICTURES" in os.environ
LOOKS: Sequence[Look] = ((1280, "light"), (390, "light"), (1280, "dark"), (390, "dark"))
# What is found depends on both, but not on each pair of them; to the others only people look.
EXAMINED: Sequence[Look] = ((1280, "light"), (390, "dark"))
# WCAG 2.2 A and AA, and what axe's makers advise besides.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = Axe().axe_script
# Only what is wrong comes back: all that axe has to say takes longer than to find it.
EXAMINE = """
async rules => {
  const runOnly = { type: "tag", values: rules };
  const { violations } = await axe.run({ runOnly, resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
"""
PATIENCE_MILLISECONDS = 10_000
TABS = 60  # more than any page has controls up to the one that a test goes to
# What can have the focus in a part of the page that follows the feed, and could not be found again after it.
LOSES_FOCUS = """
[...document.querySelectorAll("[data-live] :is(a, button, input, select, textarea, summary, [tabindex])")]
  .filter((each) => each.type !== "hidden")
  .filter((each) => !each.id || document.querySelectorAll("#" + CSS.escape(each.id)).length > 1)
  .map((each) => each.outerHTML)
"""
# Unfold's pages look once, as they load, whether it is dark.
TURN_UNFOLD = "scheme => window.Alpine?.$data(document.documentElement).switchTheme(scheme)"

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
        context = browser.new_context(**{"base_url": base, "reduced_motion": "reduce", **look})
        window = cls(context, base)
        if user is not None:
            client = Client()
            client.force_login(user)
            window.sign_in_as(client)
        return window

    def sign_in_as(self, client: Client) -> None:
        """Have the session of somebody who signed in with Django's own client."""
        name = settings.SESSION_COOKIE_NAME
        self.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.base}])

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
        """Follow the link of this name, and wait for its page."""
        link = self.page.get_by_role("link", name=name, exact=True).first
        with self.page.expect_navigation():
            link.click()

    def download(self, name: str, role: Literal["link", "button"] = "link") -> Path:
        """Press the link or button of this name, and return the file that it leads to."""
        with self.page.expect_download() as download:
            self.page.get_by_role(role, name=name, exact=True).click()
        return download.value.path()

    def fill(self, label: str, text: str, *, exact: bool = False) -> None:
        """Write into the field of this label, or of the one label that has it in it."""
        self.page.get_by_label(label, exact=exact).fill(text)

    def tab_to(self, selector: str) -> None:
        """Press Tab until the focus is where `selector` says, and see that this shows."""
        for _ in range(TABS):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("(there) => document.activeElement.matches(there)", selector):
                break
        focused = self.page.locator(f"{selector}:focus-visible")
        expect(focused).to_be_in_viewport()
        expect(focused).to_have_css("outline-style", "solid")

    def check(
        self, name: str, *, looks: Sequence[Look] = LOOKS, excused: Sequence[tuple[str, str]] = ()
    ) -> None:
        """See that a page holds up in both widths and schemes.

        It is as wide as the window, axe finds nothing against it, and what is replaced by itself keeps the
        focus. With `TEST_PICTURES` in the environment, its pictures are taken in all `looks`.

        Args:
            looks: the widths and schemes; axe takes its time in those that are `EXAMINED`.
            excused: rules of axe, each with a part of the elements in which the page need not follow it.
        """
        if not TAKES_PICTURES:
            looks = [look for look in looks if look in EXAMINED] or looks
        faults = [
            f"{name}: a refresh takes the focus from {each}" for each in self.page.evaluate(LOSES_FOCUS)
        ]
        for width, scheme in looks:
            self.page.emulate_media(color_scheme=scheme)
            self.page.evaluate(TURN_UNFOLD, scheme)
            self.page.set_viewport_size({"width": width, "height": 900})
            if TAKES_PICTURES:
                self.page.screenshot(path=PICTURES / f"{name}-{width}-{scheme}.png", full_page=True)
            if self.page.evaluate("document.documentElement.scrollWidth") > width:
                faults.append(f"{name} is wider than {width}")
            if (width, scheme) in EXAMINED:
                found = [fault for fault in self.violations() if not _is_excused(fault, excused)]
                faults.extend(f"{name} {width} {scheme}: {fault}" for fault in found)
        self.page.set_viewport_size({"width": LOOKS[0][0], "height": 900})
        assert not faults, "\n".join(faults)

    def violations(self) -> list[str]:
        """Return what axe finds against the page as it is now."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE)
        found: list[str] = self.page.evaluate(EXAMINE, RULES)
        return found

    def close(self) -> list[str]:
        """Close the window and return what went wrong in it."""
        self.context.close()
        return self.errors


def _is_excused(fault: str, excused: Sequence[tuple[str, str]]) -> bool:
    return any(fault.startswith(f"{rule}: ") and part in fault for rule, part in excused)
