"""POST /grants/:id/deny."""

from hub.grants.models import Grant
from tests.cases import cases
from tests.cast import Agent
from tests.grants.lives import STATES, asked, grant_in, kept
from tests.memory.entries import written


def test_it_answers_with_the_grant_as_it_is_now(alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob)

    answer = bob.post(f"grants/{grant_id}/deny")

    assert (answer.status, answer.json["status"]) == (200, "denied")
    assert answer.json == alice.get(f"grants/{grant_id}").json
    grant = Grant.objects.get()
    assert grant.decided_at is not None
    assert grant.ended_at is not None


def test_it_opens_nothing(alice: Agent, bob: Agent) -> None:
    written(bob, "project.name")
    grant_id = asked(alice, bob)

    bob.post(f"grants/{grant_id}/deny", {})

    assert alice.get("memory/project.name").code == "grant_required"


def test_only_the_target_denies(alice: Agent, bob: Agent, charlie: Agent) -> None:
    grant_id = asked(alice, bob)
    before = kept()

    for agent in (alice, charlie):
        answer = agent.post(f"grants/{grant_id}/deny")
        assert (answer.status, answer.code) == (403, "grant_not_yours")

    assert kept() == before
    assert bob.post(f"grants/{grant_id}/deny").status == 200


@cases("state", [state for state in STATES if state != "pending"])
def test_only_a_pending_grant_is_denied(alice: Agent, bob: Agent, state: str) -> None:
    grant_id = grant_in(state, alice, bob)
    before = kept()

    answer = bob.post(f"grants/{grant_id}/deny")

    assert (answer.status, answer.code) == (409, "grant_not_pending")
    assert kept() == before


def test_it_takes_no_members(alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob)

    answer = bob.post(f"grants/{grant_id}/deny", {"reason": "no"})

    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/reason")
    assert bob.get(f"grants/{grant_id}").json["status"] == "pending"
