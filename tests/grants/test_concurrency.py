"""Grants under calls that start at the same moment."""

import threading
from collections.abc import Collection
from functools import partial

import pytest

from hub.grants import requests
from hub.grants.models import Grant
from hub.grants.rules import expire_grants
from hub.messages.inbox import lock_inboxes
from hub.messages.models import Inbox
from tests.at_once import at_once
from tests.cast import Agent, Answer
from tests.grants.lives import age, ask, asked, grant_in

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 4


def _events(agent: Agent) -> list[str]:
    return sorted(message["payload"]["event"] for message in agent.inbox())


def test_of_identical_requests_one_is_taken(alice: Agent, bob: Agent) -> None:
    answers = at_once(*[partial(ask, alice, bob)] * 6)

    assert sorted(answer.status for answer in answers) == [200] + [409] * 5
    assert Grant.objects.count() == 1
    assert _events(bob) == ["requested"]


def test_of_identical_requests_one_follows_an_overdue_one(alice: Agent, bob: Agent) -> None:
    grant_in("overdue pending", alice, bob)

    answers = at_once(*[partial(ask, alice, bob)] * 4)

    assert sorted(answer.status for answer in answers) == [200] + [409] * 3
    assert _events(bob) == ["expired", "requested"]


def test_two_that_ask_each_other_do_not_block_each_other(alice: Agent, bob: Agent) -> None:
    calls = [
        partial(ask, *pair, namespace=f"n{i}") for i in range(3) for pair in ((alice, bob), (bob, alice))
    ]

    assert {answer.status for answer in at_once(*calls)} == {200}


def test_approve_against_revoke_ends_revoked(alice: Agent, bob: Agent) -> None:
    for _ in range(ROUNDS):
        grant_id = asked(alice, bob)
        bob.inbox()

        approved, revoked = at_once(
            partial(bob.post, f"grants/{grant_id}/approve"), partial(alice.delete, f"grants/{grant_id}")
        )

        assert revoked.status == 200
        assert approved.status in (200, 409)
        assert alice.get(f"grants/{grant_id}").json["status"] == "revoked"
        assert _events(bob) == ["revoked"]
        assert _events(alice) == (["approved"] if approved.status == 200 else [])


def test_of_decisions_on_one_request_one_counts(alice: Agent, bob: Agent) -> None:
    for _ in range(ROUNDS):
        grant_id = asked(alice, bob)

        answers = at_once(
            *(partial(bob.post, f"grants/{grant_id}/{action}") for action in ("approve", "deny") * 2)
        )

        assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
        assert len(_events(alice)) == 1
        bob.delete(f"grants/{grant_id}")
        alice.inbox()


def test_of_revocations_from_both_sides_one_counts(alice: Agent, bob: Agent) -> None:
    for _ in range(ROUNDS):
        grant_id = grant_in("active", alice, bob)

        answers = at_once(*(partial(agent.delete, f"grants/{grant_id}") for agent in (alice, bob)))

        assert sorted(answer.status for answer in answers) == [200, 409]
        assert sorted([_events(alice), _events(bob)]) == [[], ["revoked"]]


def test_two_workers_tell_of_an_expiry_once(alice: Agent, bob: Agent) -> None:
    for i in range(6):
        age(asked(alice, bob, namespace=f"n{i}"))
    bob.inbox()

    assert sum(at_once(expire_grants, expire_grants)) == 6

    assert _events(alice) == _events(bob) == ["expired"] * 6


@pytest.mark.parametrize("leaver", ["requester", "grantor"])
def test_no_request_stays_open_when_one_of_its_sessions_leaves(
    bob: Agent, charlie: Agent, leaver: str
) -> None:
    left = bob if leaver == "grantor" else charlie
    calls = [partial(ask, charlie, bob, namespace=f"n{i}") for i in range(5)]
    leave = partial(left.delete, f"sessions/{left.id}")

    *answers, gone = at_once(*calls, leave)

    assert gone.status == 200
    assert {answer.status for answer in answers} <= {200, 403, 404}
    assert not Grant.objects.open().exists()
    assert not Inbox.objects.filter(session_id=left.id).exists()


@pytest.mark.postgres
@pytest.mark.parametrize("leaver", ["requester", "grantor"])
def test_a_session_leaves_only_after_the_requests_under_way(
    alice: Agent, bob: Agent, monkeypatch: pytest.MonkeyPatch, leaver: str
) -> None:
    left = bob if leaver == "grantor" else alice
    created, leaving = threading.Event(), threading.Event()

    def lock_late(realm_id: str, session_ids: Collection[str]) -> list[Inbox]:
        created.set()
        leaving.wait(0.3)
        return lock_inboxes(realm_id, session_ids)

    def leave() -> Answer:
        assert created.wait(5)
        return bob.delete(f"sessions/{left.id}")

    monkeypatch.setattr(requests, "lock_inboxes", lock_late)

    asked_for, gone = at_once(partial(ask, alice, bob), leave)

    assert (asked_for.status, gone.status) == (200, 200)
    assert Grant.objects.get().status == Grant.Status.REVOKED
