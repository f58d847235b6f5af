"""DELETE /grants/:id."""

import pytest

from hub.grants.models import Grant
from tests.cases import cases
from tests.cast import Agent
from tests.grants.lives import STATES, age, asked, grant_in, kept
from tests.memory.entries import keys_in, write, written

OPEN = ("pending", "active")


def test_it_answers_as_the_reference_shows(alice: Agent, bob: Agent) -> None:
    grant_id = grant_in("active", alice, bob)

    answer = bob.delete(f"grants/{grant_id}")

    assert (answer.status, answer.json) == (200, {"revoked": True, "grant_id": grant_id})
    assert alice.get(f"grants/{grant_id}").json["status"] == "revoked"
    assert Grant.objects.get().ended_at is not None


@cases("state", OPEN)
@cases("who", ["requester", "grantor"])
def test_both_sides_may_end_what_is_open(alice: Agent, bob: Agent, state: str, who: str) -> None:
    grant_id = grant_in(state, alice, bob)

    assert {"requester": alice, "grantor": bob}[who].delete(f"grants/{grant_id}").status == 200

    assert alice.get(f"grants/{grant_id}").json["status"] == "revoked"


def test_a_withdrawn_request_cannot_be_approved(alice: Agent, bob: Agent) -> None:
    written(bob, "project.name")
    grant_id = asked(alice, bob)
    alice.delete(f"grants/{grant_id}")

    assert bob.post(f"grants/{grant_id}/approve").code == "grant_not_pending"
    assert alice.get("memory/project.name").status == 403


def test_the_next_read_write_and_delete_are_refused(alice: Agent, bob: Agent) -> None:
    written(bob, "project.name", "project.stage")
    grants = [bob.grant(alice, f"memory.{what}", "project.*") for what in ("read", "write", "delete")]
    assert alice.get("memory?namespace=project").status == 200
    assert write(alice, {"project.name": 2}).status == 200
    assert alice.delete("memory/project.stage").status == 200

    for grant_id in grants:
        assert bob.delete(f"grants/{grant_id}").status == 200

    assert alice.get("memory?namespace=project").code == "grant_required"
    assert alice.get("memory/project.name").code == "grant_required"
    assert keys_in(alice.get("memory")) == []
    assert write(alice, {"project.name": 3}).code == "grant_required"
    assert alice.delete("memory/project.name").code == "grant_required"
    assert bob.get("memory/project.name").json["value"] == 2


def test_the_next_delegation_is_refused(alice: Agent, bob: Agent) -> None:
    grant_id = bob.grant(alice, "delegate.receive")
    assert alice.send(bob, "delegate").status == 200

    bob.delete(f"grants/{grant_id}")

    assert alice.send(bob, "delegate").code == "grant_required"


def test_another_grant_that_covers_the_same_goes_on(alice: Agent, bob: Agent) -> None:
    written(bob, "project.name")
    narrow, wide = bob.grant(alice, "memory.read", "project.name"), bob.grant(alice, "memory.read", "*")

    bob.delete(f"grants/{wide}")
    assert alice.get("memory/project.name").status == 200

    bob.delete(f"grants/{narrow}")
    assert alice.get("memory/project.name").status == 403


@pytest.mark.parametrize("state", OPEN)
def test_a_third_session_may_not(alice: Agent, bob: Agent, charlie: Agent, state: str) -> None:
    grant_id = grant_in(state, alice, bob)
    before = kept()

    answer = charlie.delete(f"grants/{grant_id}")

    assert (answer.status, answer.code) == (403, "grant_not_yours")
    assert kept() == before


@cases("state", [state for state in STATES if state not in OPEN])
@cases("who", ["requester", "grantor"])
def test_what_has_ended_stays_so(alice: Agent, bob: Agent, state: str, who: str) -> None:
    grant_id = grant_in(state, alice, bob)
    before = kept()

    answer = {"requester": alice, "grantor": bob}[who].delete(f"grants/{grant_id}")

    assert (answer.status, answer.code) == (409, "grant_already_ended")
    assert kept() == before


@pytest.mark.parametrize("leaver", ["requester", "grantor"])
def test_a_session_that_leaves_takes_its_open_grants_along(alice: Agent, bob: Agent, leaver: str) -> None:
    ids = [grant_in("active", alice, bob), grant_in("pending", alice, bob)]
    left, stayed = (alice, bob) if leaver == "requester" else (bob, alice)

    assert stayed.delete(f"sessions/{left.id}").status == 200

    revoked = [grant["id"] for grant in stayed.get("grants?status=revoked").json["grants"]]
    assert sorted(revoked) == sorted(ids)
    notices = [(m["from"], m["payload"]["event"], m["payload"]["grant_id"]) for m in stayed.inbox()]
    assert sorted(notices) == sorted((left.id, "revoked", grant_id) for grant_id in ids)


def test_a_session_that_leaves_does_not_change_how_a_grant_ended(alice: Agent, bob: Agent) -> None:
    active, denied = grant_in("active", alice, bob), grant_in("denied", alice, bob)
    age(active)
    assert bob.get(f"grants/{active}").json["status"] == "expired"

    assert bob.delete(f"sessions/{alice.id}").status == 200

    assert bob.get(f"grants/{active}").json["status"] == "expired"
    assert bob.get(f"grants/{denied}").json["status"] == "denied"
    assert bob.inbox() == []
