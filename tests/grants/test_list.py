"""GET /grants."""

from typing import Any

from tests.cases import cases
from tests.cast import Agent
from tests.grants.lives import STATES, asked, grant_in
from tests.paging import cursor_of, next_path, pages_of


def _ids(agent: Agent, query: str = "") -> list[str]:
    answer = agent.get(f"grants{query}")
    assert answer.status == 200, answer.json
    return [grant["id"] for grant in answer.json["grants"]]


def test_it_answers_as_the_reference_shows(alice: Agent, bob: Agent) -> None:
    grant_id = grant_in("active", alice, bob)

    answer = alice.get("grants")

    assert answer.status == 200
    assert answer.json == {"grants": [alice.get(f"grants/{grant_id}").json]}
    assert set(answer.json["grants"][0]) == {
        "id", "from", "to", "capability", "namespace", "status", "expires_at"
    }  # fmt: skip


def test_who_has_none_gets_an_empty_list(alice: Agent) -> None:
    assert alice.get("grants").json == {"grants": []}


def test_a_direction_keeps_one_side(alice: Agent, bob: Agent, charlie: Agent) -> None:
    out, incoming = asked(alice, bob), asked(bob, alice)
    asked(bob, charlie)

    assert _ids(alice, "?direction=outgoing") == [out]
    assert _ids(alice, "?direction=incoming") == [incoming]
    assert _ids(alice) == [out, incoming]
    assert _ids(charlie, "?direction=outgoing") == []


@cases(
    ("query", "states"),
    [
        ("", {"pending", "active"}),
        ("?status=pending", {"pending"}),
        ("?status=active", {"active"}),
        ("?status=denied", {"denied"}),
        ("?status=revoked", {"revoked"}),
        ("?status=expired", {"expired", "overdue active"}),
    ],
)
def test_a_status_is_the_one_now(alice: Agent, bob: Agent, query: str, states: set[str]) -> None:
    ids = {state: grant_in(state, alice, bob) for state in STATES if state != "overdue pending"}

    assert set(_ids(alice, query)) == {ids[state] for state in states}
    assert set(_ids(bob, query)) == {ids[state] for state in states}


def test_an_overdue_request_counts_as_expired(alice: Agent, bob: Agent) -> None:
    overdue = grant_in("overdue pending", alice, bob)

    assert (_ids(alice), _ids(alice, "?status=pending")) == ([], [])
    assert _ids(bob, "?status=expired") == [overdue]
    assert bob.get("grants?status=expired").json["grants"][0]["status"] == "expired"


def test_filters_work_together(alice: Agent, bob: Agent) -> None:
    active = grant_in("active", alice, bob)
    asked(alice, bob)
    grant_in("active", bob, alice)

    assert _ids(alice, "?direction=outgoing&status=active") == [active]


@cases(
    ("query", "pointer"),
    [
        ("?direction=both", "/direction"),
        ("?direction=", "/direction"),
        ("?status=open", "/status"),
        ("?status=Active", "/status"),
        ("?limit=0", "/limit"),
        ("?limit=501", "/limit"),
        ("?state=active", "/state"),
        ("?status=active&status=denied", "/status"),
    ],
)
def test_a_bad_parameter_is_named(alice: Agent, query: str, pointer: str) -> None:
    answer = alice.get(f"grants{query}")

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == pointer


def test_pages_follow_each_other_to_the_end(alice: Agent, bob: Agent) -> None:
    expected = [asked(alice, bob, namespace=f"n{i}") for i in range(7)]
    asked(bob, alice)

    pages = pages_of(alice, "grants?limit=3&direction=outgoing&status=pending", "grants")

    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(grant["id"] for page in pages for grant in page) == sorted(expected)
    assert next_path(alice.get("grants?limit=8")) is None


@cases("other", ["direction=incoming", "direction=outgoing&status=active", "status=pending", ""])
def test_a_cursor_of_another_query_is_refused(alice: Agent, bob: Agent, other: str) -> None:
    for i in range(3):
        asked(alice, bob, namespace=f"n{i}")
    cursor = cursor_of(alice.get("grants?direction=outgoing&limit=1"))
    assert alice.get(f"grants?direction=outgoing&cursor={cursor}").status == 200

    for forged in (f"grants?{other}&cursor={cursor}", f"grants?direction=outgoing&cursor={cursor}x"):
        assert alice.get(forged).code == "invalid_cursor"


def test_it_takes_only_its_own_realm(alice: Agent) -> None:
    assert alice.get("grants?realm=default").status == 200

    answer = alice.get("grants?realm=other")
    assert (answer.status, answer.code) == (403, "realm_access_denied")


def test_grants_of_others_and_of_another_realm_do_not_show(
    alice: Agent, bob: Agent, charlie: Agent, mallory: Agent
) -> None:
    asked(alice, bob)

    for agent in (charlie, mallory):
        seen: Any = [agent.get(f"grants?status={status}").json["grants"] for status in ("pending", "active")]
        assert seen == [[], []]
