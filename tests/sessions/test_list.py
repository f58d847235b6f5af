"""GET /sessions."""

import re
from urllib.parse import quote

import pytest

from hub.sessions.models import Session
from tests.cases import cases
from tests.cast import Agent, new_agent
from tests.rows import seen_ago


def names(caller: Agent, query: str = "") -> list[str]:
    answer = caller.get(f"sessions{query}")
    assert answer.status == 200, answer.json
    return [session["name"] for session in answer.json["sessions"]]


@pytest.fixture
def five(caller: Agent) -> list[str]:
    """The names of five sessions, oldest first."""
    assert caller.key
    return [new_agent(caller.key, f"agent-{i}").session.name for i in range(5)]  # type: ignore[union-attr]


def test_it_answers_as_the_reference_shows(caller: Agent, alice: Agent, bob: Agent) -> None:
    answer = caller.get("sessions")

    assert answer.status == 200
    assert answer.json == {
        "sessions": [
            {"id": alice.id, "name": "alice", "kind": "interactive", "status": "active"},
            {"id": bob.id, "name": "bob", "kind": "executor", "status": "active"},
        ],
        "total": 2,
    }


def test_an_empty_realm_has_an_empty_list(caller: Agent) -> None:
    assert caller.get("sessions").json == {"sessions": [], "total": 0}


def test_sessions_of_all_keys_of_the_realm_are_listed(alice: Agent, charlie: Agent) -> None:
    assert names(charlie) == ["alice", "charlie"]


def test_nothing_of_another_realm_is_listed(alice: Agent, mallory: Agent) -> None:
    assert names(mallory, "?status=all") == ["mallory"]
    assert mallory.get("sessions").json["total"] == 1


@cases(
    ("status", "listed"),
    [
        ("", ["alice"]),
        ("?status=active", ["alice"]),
        ("?status=inactive", ["bob"]),
        ("?status=all", ["alice", "bob"]),
    ],
)
def test_it_filters_by_status(
    caller: Agent, alice: Agent, bob: Agent, charlie: Agent, status: str, listed: list[str]
) -> None:
    seen_ago(bob, status=Session.Status.INACTIVE)
    assert charlie.delete(f"sessions/{charlie.id}").status == 200

    assert names(caller, status) == listed


@cases(
    ("query", "listed"),
    [
        ("?kind=executor", ["bob"]),
        ("?kind=interactive", ["alice"]),
        ("?kind=service", []),
        ("?capability=delegate.receive", ["alice", "bob"]),
        ("?capability=memory.read", ["bob"]),
        ("?capability=memory", []),
        ("?name=bob", ["bob"]),
        ("?name=BOB", ["bob"]),
        ("?name=bo", []),
        ("?name=b_b", []),
        ("?kind=executor&name=alice", []),
        ("?kind=executor&capability=memory.read&name=bob&status=all&realm=default", ["bob"]),
    ],
)
def test_it_filters(caller: Agent, alice: Agent, bob: Agent, query: str, listed: list[str]) -> None:
    answer = caller.get(f"sessions{query}")

    assert [session["name"] for session in answer.json["sessions"]] == listed
    assert answer.json["total"] == len(listed)


def test_links_lead_through_all_pages(caller: Agent, five: list[str]) -> None:
    pages, where = [], "/api/v1/sessions?limit=2&kind=interactive"
    while where:
        answer = caller.get(where)
        assert answer.json["total"] == 5
        pages.append([session["name"] for session in answer.json["sessions"]])
        link = re.fullmatch(r'<http://testserver(/[^>]+)>; rel="next"', answer.headers.get("Link", ""))
        where = link[1] if link else ""

    assert pages == [five[:2], five[2:4], five[4:]]


def test_the_last_page_has_no_link_even_if_it_is_full(caller: Agent, five: list[str]) -> None:
    answer = caller.get("sessions?limit=5")

    assert len(answer.json["sessions"]) == 5
    assert "Link" not in answer.headers


def cursor_of(caller: Agent, query: str = "?limit=2") -> str:
    link = caller.get(f"sessions{query}").headers["Link"]
    return re.search(r"cursor=([^&>]+)", link)[1]  # type: ignore[index]


def test_a_page_may_have_another_size_than_the_one_before(caller: Agent, five: list[str]) -> None:
    assert names(caller, f"?limit=500&cursor={cursor_of(caller)}") == five[2:]


def test_a_cursor_of_another_query_is_refused(caller: Agent, five: list[str]) -> None:
    cursor = cursor_of(caller)
    assert names(caller, f"?limit=2&cursor={cursor}") == five[2:4]

    for query in ("&kind=interactive", "&status=all"):
        answer = caller.get(f"sessions?limit=2&cursor={cursor}{query}")
        assert (answer.status, answer.code) == (400, "invalid_cursor")


def test_a_cursor_of_another_realm_is_refused(caller: Agent, mallory: Agent, five: list[str]) -> None:
    answer = mallory.get(f"sessions?limit=2&cursor={cursor_of(caller)}")

    assert (answer.status, answer.code) == (400, "invalid_cursor")


def test_a_cursor_that_was_tampered_with_is_refused(caller: Agent, five: list[str]) -> None:
    good = cursor_of(caller)
    swapped = "A" if good[3] != "A" else "B"

    for bad in ("", "x", "x:y", "%00x", quote("ü:ü"), good[:-1], good[:3] + swapped + good[4:]):
        answer = caller.get(f"sessions?limit=2&cursor={bad}")
        assert answer.status == 400, bad


@cases("limit", ["0", "-1", "501", "ten", "", "1.5", "9" * 30])
def test_a_bad_limit_is_refused(caller: Agent, alice: Agent, limit: str) -> None:
    assert names(caller, "?limit=1") == names(caller, "?limit=500") == ["alice"]

    answer = caller.get(f"sessions?limit={limit}")

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/limit"


@cases(
    ("query", "pointer"),
    [
        ("?colour=red", "/colour"),
        ("?Kind=executor", "/Kind"),
        ("?kind=executor&kind=executor", "/kind"),
        ("?kind=Executor", "/kind"),
        ("?kind=executor%0A", "/kind"),
        ("?kind=", "/kind"),
        ("?status=deregistered", "/status"),
        ("?capability=Memory.Read", "/capability"),
        ("?name=a%20b", "/name"),
        ("?name=a%00", "/name"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(caller: Agent, alice: Agent, query: str, pointer: str) -> None:
    answer = caller.get(f"sessions{query}")

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == pointer


def test_a_realm_that_is_not_the_callers_is_refused(caller: Agent, alice: Agent) -> None:
    assert names(caller, "?realm=default") == ["alice"]

    answer = caller.get("sessions?realm=other")

    assert (answer.status, answer.code) == (403, "realm_access_denied")
