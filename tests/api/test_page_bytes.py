"""A list ends where its page is full of bytes, and the next page goes on from there."""

import pytest

from hub.api import unread_answers
from hub.memory.rules import VALUE_BYTES
from hub.page_bytes import PAGE_BYTES, fitting
from tests.cast import Agent
from tests.paging import pages_of


def test_a_page_of_memory_ends_at_4_mib(alice: Agent) -> None:
    keys = [f"a.{number:03}" for number in range(70)]
    entries = [{"key": key, "value": "x" * (VALUE_BYTES - 2)} for key in keys]
    assert alice.post("memory", {"entries": entries}).status == 200

    pages = pages_of(alice, "memory?limit=500", "entries")

    assert [len(page) for page in pages] == [63, 7]
    assert 63 * VALUE_BYTES < PAGE_BYTES <= 64 * VALUE_BYTES
    assert [entry["key"] for page in pages for entry in page] == keys


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread_answers, "PAGE_BYTES", 2000)
    monkeypatch.setattr(unread_answers, "LEAST_PAGE_BYTES", 2000)


def test_every_other_list_ends_too(alice: Agent, bob: Agent, small_pages: None) -> None:
    grants = [alice.grant(bob, "memory.read", f"n{number}.*", reason="\1" * 200) for number in range(6)]

    pages = pages_of(alice, "grants?limit=500", "grants")
    sessions = pages_of(alice, "sessions?limit=500", "sessions")

    assert len(pages) > 2
    assert [grant["id"] for page in pages for grant in page] == grants
    assert {session["id"] for page in sessions for session in page} >= {alice.id, bob.id}


@pytest.mark.parametrize(
    ("sizes", "count"), [([], 0), ([10**9], 1), ([10**9, 1], 1), ([100, 100], 2), ([1000, 1000], 1)]
)
def test_one_item_fits_always(sizes: list[int], count: int) -> None:
    assert fitting(sizes, 2000) == count
