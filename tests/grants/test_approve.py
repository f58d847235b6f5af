"""POST /grants/:id/approve."""

from typing import Any

import pytest

from hub.grants.models import Grant
from tests.cases import cases
from tests.cast import Agent
from tests.grants.lives import STATES, asked, grant_in, in_an_hour, kept
from tests.memory.entries import keys_in, written


def test_it_answers_with_the_grant_as_it_is_now(alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob)

    answer = bob.post(f"grants/{grant_id}/approve")

    assert (answer.status, answer.json["status"]) == (200, "active")
    assert answer.json == alice.get(f"grants/{grant_id}").json


@pytest.mark.parametrize("body", [None, {}, {"namespace": None, "expires_at": None}])
def test_without_more_it_allows_what_was_asked(alice: Agent, bob: Agent, body: Any) -> None:
    expiry = in_an_hour()
    grant_id = asked(alice, bob, expires_at=expiry)

    answer = bob.post(f"grants/{grant_id}/approve", body)

    assert (answer.json["namespace"], answer.json["expires_at"]) == ("project.*", expiry)


@cases(
    ("wished", "given"),
    [
        ("*", "*"),
        ("*", "project.*"),
        ("*", "project"),
        ("project.*", "project.*"),
        ("project.*", "project.api.*"),
        ("project.*", "project.api"),
        ("project.api", "project.api"),
    ],
)
def test_it_may_narrow_the_namespace(alice: Agent, bob: Agent, wished: str, given: str) -> None:
    grant_id = asked(alice, bob, namespace=wished)

    answer = bob.post(f"grants/{grant_id}/approve", {"namespace": given})

    assert (answer.status, answer.json["namespace"]) == (200, given)


@cases(
    ("wished", "given"),
    [
        ("project.*", "*"),
        ("project.*", "project"),
        ("project.*", "projects.*"),
        ("project.*", "Project.*"),
        ("project.api.*", "project.*"),
        ("project.api.*", "project.apix.*"),
        ("project.api", "project.api.*"),
        ("project.api", "project.name"),
    ],
)
def test_it_never_widens_the_namespace(alice: Agent, bob: Agent, wished: str, given: str) -> None:
    grant_id = asked(alice, bob, namespace=wished)
    before = kept()

    answer = bob.post(f"grants/{grant_id}/approve", {"namespace": given})

    assert (answer.status, answer.code) == (400, "invalid_namespace")
    assert answer.json["errors"][0]["pointer"] == "/namespace"
    assert kept() == before
    assert bob.post(f"grants/{grant_id}/approve", {"namespace": wished}).status == 200


def test_what_has_no_namespace_gets_none(alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob, capability="delegate.receive", namespace=...)
    before = kept()

    assert bob.post(f"grants/{grant_id}/approve", {"namespace": "*"}).code == "invalid_namespace"

    assert kept() == before
    assert bob.post(f"grants/{grant_id}/approve").json["namespace"] is None


def test_only_the_narrowed_namespace_is_open(alice: Agent, bob: Agent) -> None:
    written(bob, "project.api", "project.name")
    grant_id = asked(alice, bob)

    bob.post(f"grants/{grant_id}/approve", {"namespace": "project.api"})

    assert keys_in(alice.get("memory")) == ["project.api"]


def test_it_may_bring_the_expiry_forward(alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob, expires_at=in_an_hour(2))
    sooner = in_an_hour(1)

    assert bob.post(f"grants/{grant_id}/approve", {"expires_at": sooner}).json["expires_at"] == sooner


@pytest.mark.parametrize("hours", [-1, 2.001, 24 * 365])
def test_it_never_puts_the_expiry_off_or_into_the_past(alice: Agent, bob: Agent, hours: float) -> None:
    expiry = in_an_hour(2)
    grant_id = asked(alice, bob, expires_at=expiry)
    before = kept()

    answer = bob.post(f"grants/{grant_id}/approve", {"expires_at": in_an_hour(hours)})

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/expires_at"
    assert kept() == before
    assert bob.post(f"grants/{grant_id}/approve", {"expires_at": expiry}).status == 200


@cases(
    ("body", "pointer"),
    [
        ({"namespace": "project."}, "/namespace"),
        ({"namespace": 1}, "/namespace"),
        ({"expires_at": "2026-04-07T00:00:00"}, "/expires_at"),
        ({"status": "active"}, "/status"),
        ([], ""),
    ],
)
def test_bad_input_is_refused_where_it_is(alice: Agent, bob: Agent, body: Any, pointer: str) -> None:
    grant_id = asked(alice, bob)
    before = kept()

    answer = bob.post(f"grants/{grant_id}/approve", body)

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == pointer
    assert kept() == before


def test_only_the_target_approves(alice: Agent, bob: Agent, charlie: Agent) -> None:
    grant_id = asked(alice, bob)
    before = kept()

    for agent in (alice, charlie):
        answer = agent.post(f"grants/{grant_id}/approve")
        assert (answer.status, answer.code) == (403, "grant_not_yours")

    assert kept() == before
    assert bob.post(f"grants/{grant_id}/approve").status == 200


@cases("state", [state for state in STATES if state != "pending"])
def test_only_a_pending_grant_is_approved(alice: Agent, bob: Agent, state: str) -> None:
    grant_id = grant_in(state, alice, bob)
    before = kept()

    answer = bob.post(f"grants/{grant_id}/approve")

    assert (answer.status, answer.code) == (409, "grant_not_pending")
    assert bob.get(f"grants/{grant_id}").json["status"] in answer.json["detail"]
    assert kept() == before


def test_it_lets_work_be_delegated(alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob, capability="delegate.receive", namespace=...)
    assert alice.send(bob, "delegate").code == "grant_required"

    bob.post(f"grants/{grant_id}/approve")

    assert alice.send(bob, "delegate").status == 200
    assert Grant.objects.get().decided_at is not None
