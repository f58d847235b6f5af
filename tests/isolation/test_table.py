"""The table has a row for every operation of the hub, and a word on every parameter and member."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from hub.api.schema import document
from realms.problems import PROBLEMS
from tests.client import Client
from tests.isolation.names import Named
from tests.isolation.routes import PAGES, operations, pages, url_table
from tests.isolation.table import NAMES_NOTHING, TABLE, Row
from tests.isolation.worlds import World

COMPONENTS = "#/components/schemas/"


def members_of(schema: dict[str, Any], place: str) -> Iterator[str]:
    """Yield the places of all members that a body may have; of a list's items, that of the list."""
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].removeprefix(COMPONENTS)]
        for name, member in schema["properties"].items():
            inner = list(members_of(member, f"{place}/{name}"))
            yield from inner or [f"{place}/{name}"]
    elif "items" in schema:
        yield from members_of(schema["items"], place)
    else:
        for choice in schema.get("anyOf", []):
            yield from members_of(choice, place)


def places_of(operation: dict[str, Any]) -> set[str]:
    """Return every place of an operation's request where something may stand."""
    places = {f"{parameter['in']}/{parameter['name']}" for parameter in operation["parameters"]}
    if "requestBody" in operation:
        places |= set(members_of(operation["requestBody"]["content"]["application/json"]["schema"], "body"))
    return places


def named_in(row: Row) -> set[str]:
    """Return the places of a row where something is named."""
    return {re.sub(r"/\d+", "", place) for form in row.forms for place, _ in row.places(form)}


def test_the_url_table_and_the_document_and_this_table_agree() -> None:
    rows = [(row.method, row.path) for row in TABLE]

    assert len(rows) == len(set(rows))
    assert set(rows) == url_table() == set(operations())


def test_every_other_page_is_known() -> None:
    assert pages() == set(PAGES)


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_every_parameter_and_member_is_a_name_or_names_nothing(row: Row) -> None:
    places = places_of(operations()[row.method, row.path])

    assert not places - named_in(row) - set(NAMES_NOTHING)
    assert not {place for place in named_in(row) - places if not place.startswith("body/payload/")}


def test_what_names_nothing_is_there() -> None:
    assert set(NAMES_NOTHING) <= set().union(*map(places_of, operations().values()))


def test_every_kind_of_name_stands_somewhere() -> None:
    assert {name.of for row in TABLE for form in row.forms for _, name in row.places(form)} == set(Named)


def test_an_operation_is_public_in_both(world: World) -> None:
    public = {route for route, operation in operations().items() if operation["security"] == []}

    assert {(row.method, row.path) for row in TABLE if row.public} == public


def test_the_pages_tell_nothing_of_a_realm(world: World) -> None:
    paths = [page for page in PAGES if page.startswith("/") and "{" not in page]
    for path in [*paths, *(f"/docs/problems/{code}" for code in PROBLEMS), "/api/v1/nothing"]:
        response = Client().get(path, headers={"X-AISP-Key": str(world.alice.agent.key)})

        whole = b"".join(response) + response.serialize_headers()
        assert not world.alice.telltale.search(whole), path
