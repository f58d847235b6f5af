"""The list of sessions: search, filters, what a row shows, pages."""

import re
from typing import Any

from pytest_django import DjangoAssertNumQueries

from hub.console.listing import ROWS
from hub.sessions.models import Session
from realms.ids import SESSION, new_id
from tests.cases import cases
from tests.cast import Agent, new_agent
from tests.console.people import Person, words_of
from tests.rows import open_stream, seen_ago

SOMEWHERE = "msg_01HX9J2N3PQRSTVWXYZ0123456"


def names_in(answer: Any) -> list[str]:
    """Return the names in the list's rows, from the top."""
    assert answer.status_code == 200
    return [row.session.name for row in answer.context["rows"]]


def test_the_newest_session_stands_first(viewer: Person, alice: Agent, bob: Agent) -> None:
    assert names_in(viewer.get("realm-sessions")) == ["bob", "alice"]


def test_a_row_shows_where_a_session_stands(viewer: Person, alice: Agent, bob: Agent) -> None:
    bob.send(alice)
    bob.send(alice)
    open_stream(bob)

    rows = {row.session.name: row for row in viewer.get("realm-sessions").context["rows"]}

    assert rows["bob"].is_connected and not rows["alice"].is_connected
    assert rows["alice"].session.inbox.unread == 2
    shown = words_of(viewer.get("realm-sessions"))
    assert alice.id in shown and "interactive" in shown
    assert re.search(r'class="number">\s*2\s*<', shown)


def test_a_part_of_a_name_finds_it_in_any_case(viewer: Person, alice: Agent, bob: Agent) -> None:
    assert names_in(viewer.get("realm-sessions", q="LIC")) == ["alice"]
    assert names_in(viewer.get("realm-sessions", q="%")) == []


def test_a_whole_id_finds_its_session_in_any_case(viewer: Person, alice: Agent, bob: Agent) -> None:
    assert names_in(viewer.get("realm-sessions", q=alice.id)) == ["alice"]
    assert names_in(viewer.get("realm-sessions", q=alice.id.lower())) == ["alice"]


def test_an_id_of_another_realm_is_as_one_that_is_none(viewer: Person, alice: Agent, mallory: Agent) -> None:
    foreign, none = new_id(SESSION), mallory.id

    pages = [words_of(viewer.get("realm-sessions", q=each)).replace(each, "") for each in (foreign, none)]

    assert pages[0] == pages[1]
    assert "mallory" not in pages[1]


def test_filters_narrow_and_add_up(viewer: Person, alice: Agent, bob: Agent, charlie: Agent) -> None:
    assert names_in(viewer.get("realm-sessions", kind="observer")) == ["charlie"]
    assert names_in(viewer.get("realm-sessions", capability="memory.read")) == ["bob"]
    assert names_in(viewer.get("realm-sessions", capability="memory")) == []
    assert names_in(viewer.get("realm-sessions", kind="observer", capability="memory.read")) == []


@cases(
    ("status", "found"),
    [
        ("", ["bob", "alice"]),
        ("active", ["alice"]),
        ("inactive", ["bob"]),
        ("deregistered", ["charlie"]),
        ("all", ["charlie", "bob", "alice"]),
    ],
)
def test_sessions_are_found_by_status(
    viewer: Person, alice: Agent, bob: Agent, charlie: Agent, status: str, found: list[str]
) -> None:
    seen_ago(bob, status=Session.Status.INACTIVE, hours=1)
    assert charlie.delete(f"sessions/{charlie.id}").status == 200

    assert names_in(viewer.get("realm-sessions", status=status)) == found


@cases(
    "wrong",
    [
        {"status": "gone"},
        {"kind": "Not A Kind"},
        {"kind": "x" * 33},
        {"capability": "a b"},
        {"capability": "x" * 129},
        {"q": "x" * 65},
        {"q": "a\0b"},
        {"before": "yesterday"},
        {"before": SOMEWHERE},
    ],
    ids=str,
)
def test_what_is_no_filter_is_refused(viewer: Person, alice: Agent, wrong: dict[str, str]) -> None:
    answer = viewer.get("realm-sessions", **wrong)

    assert answer.status_code == 400
    assert alice.id not in answer.content.decode()


def test_pages_follow_each_other_and_keep_the_filter(viewer: Person, key: str) -> None:
    for number in range(ROWS + 2):
        new_agent(key, f"agent-{number}", "service" if number else "observer")

    first = viewer.get("realm-sessions", kind="service")
    older = first.context["page"].older
    second = viewer.get("realm-sessions", kind="service", before=older)

    assert f"kind=service&amp;before={older}" in first.content.decode()
    assert len(names_in(first)) == ROWS
    assert names_in(second) == ["agent-1"]
    assert second.context["page"].older is None


def test_a_list_asks_no_query_per_row(
    viewer: Person, key: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(9):
        open_stream(new_agent(key, f"agent-{number}"))

    with django_assert_max_num_queries(9):
        viewer.get("realm-sessions")


def test_an_empty_realm_says_how_sessions_come(owner: Person) -> None:
    assert "Agents register themselves" in owner.get("realm-sessions").content.decode()
    assert "No session matches" in owner.get("realm-sessions", q="x").content.decode()
