"""Memory in the console: browse, look at values, delete."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from hub.memory.models import MemoryEntry
from realms.models import AuditEvent
from tests.cases import cases
from tests.cast import Agent
from tests.console.people import Person
from tests.memory.entries import stored, write, written

QUERIES_AT_MOST = 14
CANARY = "canary-value"


def page(answer: Any, status: int = 200) -> str:
    """Return the text of a page, whose status is as it should be."""
    assert answer.status_code == status, answer.content.decode()
    return str(answer.content.decode())


def test_namespaces_are_listed_with_what_they_hold(owner: Person, alice: Agent, bob: Agent) -> None:
    write(alice, {"project.name": "x" * 998, "project.stage": 1})
    written(bob, "sources")

    answer = owner.get("realm-memory")

    rows = [(str(space), space.owner.name, held["entries"]) for space, held in answer.context["namespaces"]]
    assert rows == [("project", "alice", 2), ("sources", "bob", 1)]
    assert "3" in page(answer)
    assert "of 100,000" in page(answer)


def test_a_deregistered_owner_is_marked(owner: Person, alice: Agent) -> None:
    written(alice, "project.name")
    assert "deregistered" not in page(owner.get("realm-memory"))

    alice.delete(f"sessions/{alice.id}")

    assert "deregistered" in page(owner.get("realm-memory"))


def test_an_empty_memory_says_what_to_do(owner: Person) -> None:
    assert "POST /api/v1/memory" in page(owner.get("realm-memory"))


def test_one_goes_down_level_by_level(viewer: Person, alice: Agent) -> None:
    written(alice, "a", "a.b", "a.b.c", "a.d.e")

    assert "?prefix=a" in page(viewer.get("realm-memory"))
    first = page(viewer.get("realm-memory", prefix="a"))
    second = page(viewer.get("realm-memory", prefix="a.b"))

    for prefix in ("a.b", "a.d"):
        assert f"?prefix={prefix}" in first
    for key in ("a", "a.b"):
        assert viewer.path("realm-memory-entry", key) in first
    assert viewer.path("realm-memory-entry", "a.b.c") in second
    assert "a.d" not in second


def test_pages_follow_each_other_by_name(owner: Person, alice: Agent) -> None:
    names = [f"n{i:03d}" for i in range(120)]
    for i in range(0, 120, 40):
        written(
            alice, *(f"p.{name}" for name in names[i : i + 40]), *(f"{name}.x" for name in names[i : i + 40])
        )

    for query, expected in (({"prefix": "p"}, names), ({}, [*names, "p"])):
        seen: list[str] = []
        after: dict[str, str] = {}
        for _ in range(3):
            shown = owner.get("realm-memory", **query, **after).context["page"]
            seen += [row["segment"] if isinstance(row, dict) else row.name for row in shown.rows]
            after = {"after": shown.after}
        assert seen == expected
        assert shown.after is None


@cases("prefix", ["", ".", "a.", "a..b", "a\0", "ä", "a" * 256, "a b", "*", "a.*"])
def test_a_prefix_that_is_no_key_is_refused(owner: Person, alice: Agent, prefix: str) -> None:
    written(alice, "a.b")

    page(owner.get("realm-memory", prefix=prefix), 400)
    page(owner.get("realm-memory", prefix="a"))


@cases("after", ["", "a.b", "a\0", "a" * 256, "/"])
def test_a_page_that_begins_nowhere_is_refused(owner: Person, alice: Agent, after: str) -> None:
    written(alice, "a.b")

    page(owner.get("realm-memory", prefix="a", after=after), 400)
    page(owner.get("realm-memory", after=after), 400)
    page(owner.get("realm-memory", after="a"))


def test_what_is_not_there_is_not_found(owner: Person, alice: Agent, mallory: Agent) -> None:
    written(alice, "a.b")
    written(mallory, "secret.b")

    for name in ("nothing", "secret", "A"):
        page(owner.get("realm-memory", prefix=name), 404)
    for key in ("a", "a.B", "secret.b", "a.b.", "a%00", "x" * 300):
        page(owner.get("realm-memory-entry", key), 404)
        page(owner.get("realm-memory-entry-delete", key), 404)
    assert "Nothing stands below" in page(owner.get("realm-memory", prefix="a.b"))


def test_values_are_for_owners_and_admins(owner: Person, admin: Person, viewer: Person, alice: Agent) -> None:
    write(alice, {"a.b": {"said": CANARY, "tag": "<script>"}})

    for person in (owner, admin):
        text = page(person.get("realm-memory-entry", "a.b"))
        assert CANARY in text
        assert "&lt;script&gt;" in text
        assert '"<script>"' not in text
    text = page(viewer.get("realm-memory-entry", "a.b"))
    assert CANARY not in text
    assert "A viewer does not see values" in text
    for person in (owner, viewer):
        for query in ({}, {"prefix": "a"}):
            assert CANARY not in page(person.get("realm-memory", **query))


def test_a_value_is_not_even_read_for_a_viewer(viewer: Person, admin: Person, alice: Agent) -> None:
    written(alice, "a.b")

    read = []
    for person in (viewer, admin):
        with CaptureQueriesContext(connection) as asked:
            person.get("realm-memory-entry", "a.b")
        read.append(any('"hub_memoryentry"."value"' in each["sql"] for each in asked.captured_queries))

    assert read == [False, True]


def test_an_admin_deletes_an_entry(admin: Person, alice: Agent) -> None:
    written(alice, "a.b.c", "a.b.d")
    assert "a.b.c" in page(admin.get("realm-memory-entry-delete", "a.b.c"))

    answer = admin.post("realm-memory-entry-delete", "a.b.c")

    assert answer["Location"] == admin.path("realm-memory", prefix="a.b")
    assert [entry.key for entry in MemoryEntry.objects.all()] == ["a.b.d"]
    event = AuditEvent.objects.get(action="memory.deleted")
    assert (event.actor, event.target) == (admin.user.email, "a.b.c")
    assert "is deleted" in page(admin.browser.get(answer["Location"]))


def test_a_viewer_deletes_nothing(viewer: Person, alice: Agent) -> None:
    written(alice, "a.b")
    before = stored()

    for name, named in (
        ("realm-memory-entry-delete", "a.b"),
        ("realm-namespace-delete", "a"),
        ("realm-namespace-hand-over", "a"),
    ):
        assert viewer.post(name, named, said={"name": "a", "to": "alice"}).status_code == 403
        assert viewer.path(name, named) not in page(viewer.get("realm-memory", prefix="a"))
        assert viewer.path(name, named) not in page(viewer.get("realm-memory-entry", "a.b"))

    assert stored() == before


@pytest.mark.parametrize("query", [{}, {"prefix": "a"}])
def test_a_page_takes_few_queries(
    owner: Person,
    alice: Agent,
    bob: Agent,
    query: dict[str, str],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    written(alice, *(f"a.{i}.b" for i in range(40)))
    for i in range(20):
        written((alice, bob)[i % 2], f"n{i}.x")

    with django_assert_max_num_queries(QUERIES_AT_MOST):
        page(owner.get("realm-memory", **query))
