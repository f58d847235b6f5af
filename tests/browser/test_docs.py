"""The docs in the browser: read from the first page to the last, on a telephone, by keyboard, and copied."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import expect

from hub.docs.contents import ALL_PAGES
from realms.problems import PROBLEMS
from tests.browser.conftest import Windows
from tests.browser.window import EXAMINED, Look, Window
from tests.live.client import WireAgent

SWAGGERS_MILLISECONDS = 60_000  # its script works for some seconds, on a busy machine for many
TELEPHONE = {"width": 390, "height": 844}
# Those with one of each thing that a page may hold: axe takes seconds for a long one with code in colours.
EXAMINED_PAGES = {"quickstart", "concepts/realm", "reference", "problems"}


@pytest.fixture
def reader(windows: Windows) -> Window:
    """Somebody who is not signed in, and may take copies."""
    return windows.open(permissions=["clipboard-read", "clipboard-write"])


def test_the_docs_are_read_from_the_first_page_to_the_last(reader: Window) -> None:
    reader.go("/docs")
    reader.check("docs", looks=EXAMINED)
    reader.follow(ALL_PAGES[0].title)
    for page in ALL_PAGES:
        expect(reader.page.get_by_role("heading", level=1)).to_have_text(page.title)
        contents = reader.page.get_by_role("navigation", name="Docs", exact=True)
        expect(contents.locator("[aria-current=page]")).to_have_text(page.title)
        looks: Sequence[Look] = EXAMINED if page.slug in EXAMINED_PAGES else [(390, "light")]
        reader.check(f"docs-{page.slug.replace('/', '-')}", looks=looks)
        if page != ALL_PAGES[-1]:
            reader.page.locator("a[rel=next]").click()


def test_every_problem_has_a_page_that_fits_a_telephone(reader: Window) -> None:
    reader.page.set_viewport_size(TELEPHONE)  # type: ignore[arg-type]
    for code, problem in PROBLEMS.items():
        assert reader.go(f"/docs/problems/{code}").status == 200
        expect(reader.page.get_by_role("heading", level=1)).to_have_text(problem.title)
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"], code
    reader.check("docs-problem", looks=EXAMINED)


def test_a_refusal_leads_to_its_page_and_on_to_the_guide(reader: Window, alice: WireAgent) -> None:
    refused = alice.http.get("/memory/project.name", headers=alice.headers()).json()

    reader.go("/docs/problems/" + refused["type"].rpartition("/")[2])
    reader.says(refused["title"])
    reader.page.locator("main").get_by_role("link", name="GET /api/v1/memory/{key}").click()
    expect(reader.page.locator("tr:target")).to_contain_text("GET /api/v1/memory/{key}")


def test_a_sample_is_copied(reader: Window) -> None:
    reader.go("/docs/quickstart")
    sample = reader.page.locator(".copyable").first
    sample.get_by_role("button", name="Copy").click()

    expect(sample.get_by_role("button", name="Copied")).to_be_visible()
    copied = reader.page.evaluate("navigator.clipboard.readText()")
    assert copied == sample.locator("code").text_content()
    assert copied.startswith("export HUB=http://testserver KEY=aisp_")


def test_code_scrolls_in_its_own_box_by_keyboard(reader: Window) -> None:
    reader.page.set_viewport_size(TELEPHONE)  # type: ignore[arg-type]
    reader.go("/docs/quickstart")
    for _ in range(60):
        reader.page.keyboard.press("Tab")
        if reader.page.evaluate("document.activeElement.scrollWidth > document.activeElement.clientWidth"):
            break
    assert reader.page.evaluate("document.activeElement.matches('pre.code')")

    reader.page.keyboard.press("ArrowRight")

    reader.page.wait_for_function("() => document.activeElement.scrollLeft > 0")
    assert reader.page.evaluate("document.documentElement.scrollLeft") == 0


def test_the_contents_open_on_a_telephone(reader: Window) -> None:
    reader.page.set_viewport_size(TELEPHONE)  # type: ignore[arg-type]
    reader.go("/docs/quickstart")
    contents = reader.page.locator("details.menu")
    contents.get_by_text("Contents").click()
    reader.page.keyboard.press("Escape")
    expect(contents.get_by_role("link", name="Delivery")).to_be_hidden()

    contents.get_by_text("Contents").click()
    contents.get_by_role("link", name="Delivery").click()
    reader.says("What you can rely on")
    reader.page.get_by_role("link", name="Follow what you sent", exact=True).click()
    expect(reader.page.locator("h2:target")).to_be_in_viewport()


def test_who_is_signed_in_stays_so(owner: Window) -> None:
    owner.go("/docs/concepts/realm")
    expect(owner.page.get_by_role("link", name="alice@example.com")).to_be_visible()
    owner.check("docs-signed-in", looks=EXAMINED[1:])
    owner.follow("AISP Hub")
    expect(owner.page).not_to_have_url("/docs")


def test_an_operation_is_tried(reader: Window) -> None:
    reader.go("/docs/reference")
    reader.page.locator("main").get_by_role("link", name="GET /api/v1/sessions", exact=True).click()

    operation = reader.page.locator(".opblock.is-open")
    operation.wait_for(timeout=SWAGGERS_MILLISECONDS)
    reader.forgive("escaping deep link")  # Swagger UI takes the `_` of an operationId for a space
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text("invalid_credentials")
    reader.forgive("401")
    # Without axe, which minds Swagger UI's colours and markup: nothing on this page is the hub's own.
    reader.check("docs-swagger", looks=[(390, "light")])
