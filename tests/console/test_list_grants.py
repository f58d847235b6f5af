"""The list of grants: the queue of those that wait, those that hold, and the history."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from hub.grants.models import Grant
from tests.cases import cases
from tests.cast import Agent
from tests.console.people import Person
from tests.grants.lives import STATES, asked, grant_in

QUERIES_AT_MOST = 12
WHERE = {"pending": "pending", "active": "active"}  # every other state is history


def ids(answer: Any) -> list[str]:
    """Return the ids of the grants on a page, in their order."""
    assert answer.status_code == 200
    return [each.pk if isinstance(each, Grant) else each[0].pk for each in answer.context["grants"]]


def test_pending_ones_wait_in_a_queue(viewer: Person, alice: Agent, bob: Agent, charlie: Agent) -> None:
    first, second = asked(alice, bob, reason="<script>x</script>"), asked(charlie, bob)

    answer = viewer.get("realm-grants")

    assert ids(answer) == [first, second]
    text = answer.content.decode()
    assert "&lt;script&gt;x" in text
    assert "<script>x" not in text


@cases("state", STATES)
def test_a_grant_is_where_its_state_by_the_clock_says(
    owner: Person, alice: Agent, bob: Agent, state: str
) -> None:
    grant_id = grant_in(state, alice, bob)

    for tab in ("pending", "active", "history"):
        shown = ids(owner.get("realm-grants", status=tab))
        assert shown == ([grant_id] if tab == WHERE.get(state, "history") else []), tab
    now = {"overdue active": "expired", "overdue pending": "expired"}.get(state, state)
    assert owner.get("realm-grant", grant_id).context["status"] == now


def test_only_one_sessions_grants(owner: Person, alice: Agent, bob: Agent, charlie: Agent) -> None:
    mine, other = asked(alice, bob), asked(bob, charlie)

    assert ids(owner.get("realm-grants", session=alice.id)) == [mine]
    assert ids(owner.get("realm-grants", session=bob.id.lower())) == [mine, other]
    alice.delete(f"sessions/{alice.id}")
    assert ids(owner.get("realm-grants", session=alice.id, status="history")) == [mine]


def test_a_session_that_is_none_of_the_realm_is_not_found(owner: Person, mallory: Agent) -> None:
    for session in (mallory.id, "sess_01", "", "sess_" + "0" * 26):
        assert owner.get("realm-grants", session=session).status_code == 404, session


@cases(
    "query",
    [
        {"status": "revoked"},
        {"status": "\0"},
        {"status": ""},
        {"after": "x"},
        {"after": "sess_" + "0" * 26},
        {"status": "history", "before": "\0"},
    ],
)
def test_a_malformed_query_is_refused(owner: Person, query: dict[str, str]) -> None:
    assert owner.get("realm-grants", **query).status_code == 400
    assert (
        owner.get("realm-grants", **{name: v for name, v in query.items() if v == "history"}).status_code
        == 200
    )


def test_the_queue_goes_on_on_the_next_page(owner: Person, alice: Agent, bob: Agent) -> None:
    asks = [asked(alice, bob, namespace=f"n{i}") for i in range(52)]

    first = owner.get("realm-grants")

    assert ids(first) == asks[:50]
    assert ids(owner.get("realm-grants", after=first.context["page"].after)) == asks[50:]


def test_what_waits_for_nobody_says_how_to_ask(owner: Person) -> None:
    text = owner.get("realm-grants").content.decode()

    assert "Nothing waits for a decision." in text
    assert "POST /api/v1/grants" in text
    for tab in ("active", "history"):
        assert 'class="empty"' in owner.get("realm-grants", status=tab).content.decode()


@pytest.mark.parametrize("tab", ["pending", "active", "history"])
def test_a_page_takes_few_queries(
    owner: Person,
    alice: Agent,
    bob: Agent,
    tab: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for i in range(8):
        grant_id = asked(alice, bob, namespace=f"n{i}")
        if tab != "pending":
            bob.post(f"grants/{grant_id}/{'approve' if tab == 'active' else 'deny'}")

    with django_assert_max_num_queries(QUERIES_AT_MOST):
        assert len(ids(owner.get("realm-grants", status=tab))) == 8
