"""The clock ends grants; the periodic rule says so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hub.grants.models import Grant
from hub.grants.rules import expire_grants
from hub.messages.models import Message
from hub.tasks import expire_grants as expire_grants_task
from tests.cases import cases
from tests.cast import Agent
from tests.grants.lives import STATES, age, asked, grant_in, kept
from tests.memory.entries import write, written


@pytest.mark.parametrize("state", ["overdue pending", "overdue active"])
def test_it_ends_what_is_overdue_and_tells_both_sides_once(alice: Agent, bob: Agent, state: str) -> None:
    grant_id = grant_in(state, alice, bob)

    assert expire_grants() == 1

    grant = Grant.objects.get()
    assert grant.status == Grant.Status.EXPIRED
    assert grant.ended_at is not None
    for agent in (alice, bob):
        (notice,) = agent.inbox()
        assert (notice["from"], notice["category"]) == ("hub", "grant")
        assert (notice["payload"]["event"], notice["payload"]["grant_id"]) == ("expired", grant_id)


@pytest.mark.parametrize("state", ["overdue pending", "overdue active"])
def test_a_second_run_finds_nothing(alice: Agent, bob: Agent, state: str) -> None:
    grant_in(state, alice, bob)
    assert expire_grants() == 1
    before = kept()

    assert expire_grants() == 0

    assert kept() == before


@cases("state", [state for state in STATES if "overdue" not in state])
def test_it_leaves_everything_else_alone(alice: Agent, bob: Agent, state: str) -> None:
    grant_in(state, alice, bob)
    before = kept()

    assert expire_grants() == 0

    assert kept() == before


def test_what_ended_otherwise_before_its_time_stays_so(alice: Agent, bob: Agent) -> None:
    for state in ("denied", "revoked"):
        age(grant_in(state, alice, bob))
    before = kept()

    assert expire_grants() == 0

    assert kept() == before


def test_an_overdue_grant_is_void_before_the_worker_ran(alice: Agent, bob: Agent) -> None:
    written(bob, "project.name")
    ids = [bob.grant(alice, f"memory.{what}", "project.*") for what in ("read", "write", "delete")]
    ids.append(bob.grant(alice, "delegate.receive"))
    assert alice.get("memory/project.name").status == 200
    assert write(alice, {"project.name": 2}).status == 200
    assert alice.send(bob, "delegate").status == 200

    for grant_id in ids:
        age(grant_id)

    assert alice.get("memory/project.name").code == "grant_required"
    assert write(alice, {"project.name": 3}).code == "grant_required"
    assert alice.delete("memory/project.name").code == "grant_required"
    assert alice.send(bob, "delegate").code == "grant_required"
    assert set(Grant.objects.values_list("status", flat=True)) == {"active"}


def test_a_narrowed_expiry_is_the_one_that_counts(alice: Agent, bob: Agent) -> None:
    written(bob, "project.name")
    grant_id = asked(alice, bob)
    sooner = (timezone.now() + timedelta(minutes=5)).isoformat()
    assert bob.post(f"grants/{grant_id}/approve", {"expires_at": sooner}).status == 200
    assert Grant.objects.get().expires_at < timezone.now() + timedelta(minutes=6)

    age(grant_id)

    assert alice.get("memory/project.name").status == 403


def test_it_ends_those_of_all_realms_each_among_its_own(alice: Agent, bob: Agent, mallory: Agent) -> None:
    ids = [asked(alice, bob, namespace=f"n{i}") for i in range(3)]
    for grant_id in ids:
        age(grant_id)

    assert expire_grants() == 3

    assert [m["payload"]["grant_id"] for m in bob.inbox("?category=grant")][-3:] == ids
    assert mallory.inbox() == []


def test_a_run_has_a_limit_and_the_next_one_goes_on(alice: Agent, bob: Agent) -> None:
    for i in range(3):
        age(asked(alice, bob, namespace=f"n{i}"))

    assert [expire_grants(limit=2) for _ in range(3)] == [2, 1, 0]


def test_a_side_that_left_gets_no_notice(alice: Agent, bob: Agent) -> None:
    grant_in("overdue active", alice, bob)
    assert bob.delete(f"sessions/{alice.id}").status == 200
    sent = Message.objects.count()

    assert expire_grants() == 1

    assert [m["payload"]["event"] for m in bob.inbox()] == ["expired"]
    assert Message.objects.count() == sent + 1


def test_the_task_calls_the_rule(alice: Agent, bob: Agent) -> None:
    grant_in("overdue active", alice, bob)

    expire_grants_task()

    assert Grant.objects.get().status == Grant.Status.EXPIRED
