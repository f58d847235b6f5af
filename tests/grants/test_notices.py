"""The messages about grants: who gets one, from whom, and what it says."""

from typing import Any

import pytest

from hub.grants.models import Grant
from hub.grants.rules import expire_grants, revoke_on_behalf_of_grantor
from realms.identity import forget_cached_keys
from realms.models import Realm
from tests.cases import cases
from tests.cast import OPERATOR, Agent
from tests.grants.lives import REFERENCE, age, asked, grant_in, in_an_hour


def _payload(event: str, grant_id: str, requester: Agent, **members: Any) -> dict[str, Any]:
    return {"event": event, "grant_id": grant_id, "from": requester.id, **REFERENCE, **members}


def test_the_target_learns_of_a_request_and_how_to_answer_it(alice: Agent, bob: Agent) -> None:
    expiry = in_an_hour()
    grant_id = asked(alice, bob, expires_at=expiry)

    (notice,) = bob.inbox()

    assert set(notice) == {"id", "from", "category", "sent_at", "payload"}
    assert (notice["from"], notice["category"]) == (alice.id, "grant")
    assert notice["payload"] == _payload(
        "requested",
        grant_id,
        alice,
        expires_at=expiry,
        approve=f"/api/v1/grants/{grant_id}/approve",
        deny=f"/api/v1/grants/{grant_id}/deny",
    )
    assert alice.inbox() == []


@pytest.mark.parametrize(("action", "status"), [("approve", "active"), ("deny", "denied")])
def test_the_paths_of_a_request_work_as_they_stand(
    alice: Agent, bob: Agent, action: str, status: str
) -> None:
    asked(alice, bob)
    (notice,) = bob.inbox()

    assert bob.post(notice["payload"][action]).json["status"] == status


@pytest.mark.parametrize(("action", "event"), [("approve", "approved"), ("deny", "denied")])
def test_the_requester_learns_of_the_decision(alice: Agent, bob: Agent, action: str, event: str) -> None:
    expiry = in_an_hour()
    grant_id = asked(alice, bob, expires_at=expiry)
    bob.inbox()
    bob.post(f"grants/{grant_id}/{action}")

    (notice,) = alice.inbox()

    assert (notice["from"], notice["category"]) == (bob.id, "grant")
    assert notice["payload"] == _payload(event, grant_id, alice, expires_at=expiry)
    assert bob.inbox() == []


def test_an_approval_tells_what_it_was_narrowed_to(alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob)
    sooner = in_an_hour()
    bob.post(f"grants/{grant_id}/approve", {"namespace": "project.api", "expires_at": sooner})

    (notice,) = alice.inbox()

    assert (notice["payload"]["namespace"], notice["payload"]["expires_at"]) == ("project.api", sooner)


@cases("state", ["pending", "active"])
@cases("who", ["requester", "grantor"])
def test_the_other_side_learns_of_a_revocation(alice: Agent, bob: Agent, state: str, who: str) -> None:
    grant_id = grant_in(state, alice, bob)
    actor, other = (alice, bob) if who == "requester" else (bob, alice)
    actor.delete(f"grants/{grant_id}")

    (notice,) = other.inbox()

    expiry = actor.get(f"grants/{grant_id}").json["expires_at"]
    assert (notice["from"], notice["category"]) == (actor.id, "grant")
    assert notice["payload"] == _payload("revoked", grant_id, alice, expires_at=expiry)
    assert actor.inbox() == []


def test_a_revocation_by_a_person_comes_from_the_hub_to_both(alice: Agent, bob: Agent) -> None:
    grant_id = grant_in("active", alice, bob)

    revoke_on_behalf_of_grantor(grant=Grant.objects.get(), by=OPERATOR)

    for agent in (alice, bob):
        (notice,) = agent.inbox()
        assert (notice["from"], notice["payload"]["event"]) == ("hub", "revoked")
    assert alice.get(f"grants/{grant_id}").json["status"] == "revoked"


def test_an_expiry_comes_from_the_hub_to_both_as_one_message(alice: Agent, bob: Agent) -> None:
    grant_id = grant_in("active", alice, bob)
    age(grant_id)
    expire_grants()

    (to_alice,), (to_bob,) = alice.inbox(), bob.inbox()

    assert to_alice == to_bob
    expiry = alice.get(f"grants/{grant_id}").json["expires_at"]
    assert (to_bob["from"], to_bob["category"]) == ("hub", "grant")
    assert to_bob["payload"] == _payload("expired", grant_id, alice, expires_at=expiry)


def test_what_was_left_out_is_null(alice: Agent, bob: Agent) -> None:
    asked(alice, bob, capability="delegate.receive", namespace=..., reason=...)

    (notice,) = bob.inbox()

    assert (notice["payload"]["namespace"], notice["payload"]["reason"]) == (None, None)


def test_nobody_else_learns_anything(alice: Agent, bob: Agent, charlie: Agent, mallory: Agent) -> None:
    grant_id = grant_in("active", alice, bob)
    bob.delete(f"grants/{grant_id}")
    age(asked(alice, bob))
    expire_grants()

    assert charlie.inbox() == []
    assert mallory.inbox() == []


def test_a_decision_arrives_however_full_the_inbox_is(alice: Agent, bob: Agent) -> None:
    first, second = asked(alice, bob), asked(alice, bob, namespace="other")
    Realm.objects.update(inbox_limit=1)
    forget_cached_keys()  # a sender's key carries the limit
    assert bob.send(alice).status == 200
    assert bob.send(alice).code == "inbox_full"

    assert bob.post(f"grants/{first}/approve").status == 200
    assert bob.post(f"grants/{second}/deny").status == 200

    events = [message["payload"].get("event") for message in alice.inbox()]
    assert events == [None, "approved", "denied"]


def test_they_can_be_polled_by_category_and_count_as_unread(alice: Agent, bob: Agent) -> None:
    alice.send(bob)
    asked(alice, bob)

    page = bob.get("messages?category=grant").json

    assert ([message["category"] for message in page["messages"]], page["unread_count"]) == (["grant"], 1)
