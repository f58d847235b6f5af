"""GET /memory in pages."""

import base64

from tests.cases import cases
from tests.cast import Agent
from tests.memory.entries import keys_in, written
from tests.paging import cursor_of, next_path, pages_of


def test_pages_follow_each_other_to_the_end(alice: Agent) -> None:
    expected = [f"p.{i:03}" for i in range(25)]
    written(alice, *reversed(expected), "q.1")

    pages = pages_of(alice, "memory?namespace=p&limit=10", "entries")

    assert [len(page) for page in pages] == [10, 10, 5]
    assert [entry["key"] for page in pages for entry in page] == expected


def test_a_page_that_is_just_full_is_the_last(alice: Agent) -> None:
    written(alice, *(f"p.{i}" for i in range(5)))

    assert next_path(alice.get("memory?limit=5")) is None
    assert next_path(alice.get("memory?limit=4")) is not None


def test_by_default_a_page_has_a_hundred_entries(alice: Agent) -> None:
    written(alice, *(f"p.{i}" for i in range(100)))
    written(alice, "q")

    assert [len(page) for page in pages_of(alice, "memory", "entries")] == [100, 1]
    assert [len(page) for page in pages_of(alice, "memory?limit=500", "entries")] == [101]


def test_pages_hold_only_what_may_be_read(alice: Agent, bob: Agent) -> None:
    written(alice, *(f"p.open.{i}" for i in range(3)), *(f"p.private.{i}" for i in range(3)))
    written(bob, "q.1")
    alice.grant(bob, "memory.read", "p.open.*")

    pages = pages_of(bob, "memory?limit=2", "entries")

    assert [entry["key"] for page in pages for entry in page] == ["p.open.0", "p.open.1", "p.open.2", "q.1"]


def test_what_is_written_between_two_pages_neither_repeats_nor_hides_an_entry(alice: Agent) -> None:
    written(alice, "p.2", "p.4", "p.6")
    first = alice.get("memory?limit=2")

    written(alice, "p.1", "p.5")
    alice.delete("memory/p.4")

    following = next_path(first)
    assert following is not None
    assert keys_in(alice.get(following)) == ["p.5", "p.6"]


@cases("limit", ["0", "501", "-1", "ten", "1.5", ""])
def test_a_limit_out_of_range_is_refused(alice: Agent, limit: str) -> None:
    answer = alice.get(f"memory?limit={limit}")

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/limit"


def test_a_cursor_that_was_tampered_with_is_refused(alice: Agent) -> None:
    written(alice, "p.1", "p.2", "p.3")
    cursor = cursor_of(alice.get("memory?limit=1"))
    assert keys_in(alice.get(f"memory?cursor={cursor}")) == ["p.2", "p.3"]

    position, _, signature = cursor.partition(":")
    other = base64.urlsafe_b64encode(b"p.0").decode().rstrip("=")
    swapped = signature[:-1] + ("a" if signature[-1] != "a" else "b")
    for forged in (f"{other}:{signature}", f"{position}:{swapped}", position, "", "x", "%00", "%C3%A9:x"):
        answer = alice.get(f"memory?cursor={forged}")
        assert (answer.status, answer.json["code"][:8]) == (400, "invalid_"), forged


@cases(
    "query", ["memory?", "memory?namespace=q&", "memory?namespace=p.x&", "memory?namespace=p&realm=default&"]
)
def test_a_cursor_of_another_query_is_refused(alice: Agent, query: str) -> None:
    written(alice, "p.1", "p.2", "q.1", "p.x.1")
    cursor = cursor_of(alice.get("memory?namespace=p&limit=1"))
    assert alice.get(f"memory?namespace=p&cursor={cursor}").status == 200

    answer = alice.get(f"{query}cursor={cursor}")

    assert (answer.status, answer.code) == (400, "invalid_cursor")


def test_a_cursor_of_another_realm_or_list_is_refused(alice: Agent, mallory: Agent) -> None:
    for agent in (alice, mallory):
        written(agent, "p.1", "p.2")
    cursor = cursor_of(alice.get("memory?limit=1"))
    assert alice.get(f"memory?cursor={cursor}").status == 200

    assert mallory.get(f"memory?cursor={cursor}").code == "invalid_cursor"
    assert alice.get(f"grants?cursor={cursor}").code == "invalid_cursor"
