"""The docs hang together: every page is reached, every link and anchor leads somewhere."""

from itertools import pairwise

import pytest

from hub.docs.contents import ALL_PAGES, WRITTEN, neighbours
from hub.docs.pages import pages_naming, rendered
from hub.docs.reference import operations
from realms.problems import PROBLEMS
from tests.cases import cases
from tests.client import Client
from tests.docs.site import Fetched, fetch_all, inner_links
from tests.isolation.routes import operations as published

pytestmark = pytest.mark.django_db

SWAGGER = "/api/docs"


@pytest.fixture(scope="module")
def site() -> dict[str, Fetched]:
    """Every page of the docs that can be reached from /docs."""
    return fetch_all("/docs")


def test_every_page_is_reached_from_the_index(site: dict[str, Fetched]) -> None:
    problems = {f"/docs/problems/{code}" for code in PROBLEMS}

    assert set(site) == {"/docs", *(page.path for page in ALL_PAGES), *problems}


def test_every_link_and_anchor_leads_somewhere(site: dict[str, Fetched]) -> None:
    elsewhere: set[str] = set()
    for page in site.values():
        for path, anchor in inner_links(page):
            if path in site:
                assert not anchor or anchor in site[path].anchors, f"{page.path} → {path}#{anchor}"
            else:
                elsewhere.add(path)

    for path in elsewhere:
        assert Client().get(path).status_code in (200, 302), path


def test_links_to_an_operation_name_one_that_swagger_has(site: dict[str, Fetched]) -> None:
    ids = {operation["operationId"] for operation in published().values()}
    linked = {anchor for path, anchor in inner_links(site["/docs/reference"]) if path == SWAGGER and anchor}

    assert {anchor.rsplit("/")[-1] for anchor in linked} == ids


def test_the_reference_has_every_operation(site: dict[str, Fetched]) -> None:
    assert {(operation.method, operation.path) for operation in operations()} == set(published())
    assert {operation.id for operation in operations()} <= site["/docs/reference"].anchors


def test_the_pages_need_nothing_that_the_policy_forbids(site: dict[str, Fetched]) -> None:
    for page in site.values():
        assert "style" not in page.attributes | page.elements, page.path
        assert not {name for name in page.attributes if name.startswith("on")}, page.path


def test_a_page_has_one_title_and_no_gap_in_its_headings(site: dict[str, Fetched]) -> None:
    for page in site.values():
        levels = [int(heading[1]) for heading in page.headings]
        assert levels.count(1) == 1 and levels[0] == 1, page.path
        assert all(there - here <= 1 for here, there in pairwise(levels)), page.path


def test_the_index_and_each_page_say_where_one_is(site: dict[str, Fetched]) -> None:
    assert all("aria-current" in page.attributes for page in site.values())


def test_pages_lead_on_to_the_next() -> None:
    for before, page in pairwise(ALL_PAGES):
        assert neighbours(page)[0] == before
        assert neighbours(before)[1] == page
    assert neighbours(ALL_PAGES[0])[0] is neighbours(ALL_PAGES[-1])[1] is None


def test_a_problem_names_the_pages_that_explain_it() -> None:
    assert WRITTEN["rotate-keys"] in pages_naming("rotation_in_grace")
    assert b"/docs/rotate-keys" in Client().get("/docs/problems/rotation_in_grace").content


@cases(
    "path",
    ["/docs/nothing", "/docs/concepts", "/docs/../docs/quickstart.md", "/docs/concepts/", "/docs/problems/x"],
)
def test_what_is_no_page_is_not_found(path: str) -> None:
    assert Client().get("/docs/quickstart").status_code == 200
    assert Client().get(path).status_code == 404


def test_a_page_is_made_once() -> None:
    assert rendered("quickstart") is rendered("quickstart")


def test_samples_speak_with_this_hub() -> None:
    page = Client().get("/docs/quickstart").content.decode()

    assert "http://testserver" in page
    assert "{{" not in page
