"""The periodic sweep of sessions."""

from collections.abc import Iterable

import pytest

from hub.bell import bell
from hub.grants.models import Grant
from hub.messages.models import Delivery
from hub.sessions.models import Session
from hub.sessions.presence import LiveProcess, OpenStream, sweep_processes
from hub.sessions.rules import sweep_sessions
from hub.tasks import sweep_sessions as task
from realms.models import Realm
from tests.at_once import at_once
from tests.cast import Agent
from tests.rows import open_stream, seen_ago, set_realm, status_of

INACTIVE = Session.Status.INACTIVE


def test_a_quiet_session_turns_inactive(alice: Agent, bob: Agent) -> None:
    seen_ago(alice, minutes=16)
    seen_ago(bob, minutes=14)

    assert sweep_sessions() == (1, 0)

    assert (status_of(alice), status_of(bob)) == ("inactive", "active")


def test_each_realm_has_its_own_timeout(realm: Realm, alice: Agent, mallory: Agent) -> None:
    set_realm(realm, session_timeout_seconds=60)
    for agent in (alice, mallory):
        seen_ago(agent, seconds=90)

    assert sweep_sessions() == (1, 0)

    assert (status_of(alice), status_of(mallory)) == ("inactive", "active")


def test_an_expired_session_is_deregistered_like_any_other(alice: Agent, bob: Agent, charlie: Agent) -> None:
    grant = alice.grant(charlie, "memory.read", "*")
    charlie.send(alice)
    seen_ago(alice, status=INACTIVE, days=31)
    seen_ago(bob, status=INACTIVE, days=29)

    assert sweep_sessions() == (0, 1)

    assert (status_of(alice), status_of(bob)) == ("deregistered", "inactive")
    assert Grant.objects.get(pk=grant).status == "revoked"
    assert charlie.inbox()[0]["payload"]["event"] == "revoked"
    assert not Delivery.objects.filter(recipient_id=alice.id, read_at=None).exists()


def test_a_session_that_was_forgotten_for_long_goes_in_one_sweep(alice: Agent) -> None:
    seen_ago(alice, days=31)

    assert sweep_sessions() == (1, 1)
    assert status_of(alice) == "deregistered"


def test_a_session_with_an_open_stream_is_spared(alice: Agent, bob: Agent) -> None:
    for agent in (alice, bob):
        seen_ago(agent, minutes=16)
    open_stream(alice)
    open_stream(bob, beat_ago_seconds=60)

    assert sweep_sessions() == (1, 0)

    assert (status_of(alice), status_of(bob)) == ("active", "inactive")


def test_an_inactive_session_with_an_open_stream_does_not_expire(alice: Agent) -> None:
    seen_ago(alice, status=INACTIVE, days=31)
    open_stream(alice)

    assert sweep_sessions() == (0, 0)
    assert status_of(alice) == "inactive"


def test_a_second_sweep_finds_nothing_to_do(alice: Agent, bob: Agent) -> None:
    seen_ago(alice, minutes=16)
    seen_ago(bob, status=INACTIVE, days=31)
    assert sweep_sessions() == (1, 1)

    assert sweep_sessions() == (0, 0)


def test_processes_that_died_are_forgotten_with_their_streams(alice: Agent, bob: Agent) -> None:
    open_stream(alice)
    open_stream(bob, beat_ago_seconds=61)

    sweep_processes()

    assert [stream.session_id for stream in OpenStream.objects.all()] == [alice.id]
    assert LiveProcess.objects.count() == 1


def test_the_task_does_both(alice: Agent) -> None:
    seen_ago(alice, minutes=16)
    open_stream(alice, beat_ago_seconds=61)

    assert task() == {"processes": 2, "inactive": 1, "expired": 0}

    assert status_of(alice) == "inactive"
    assert not LiveProcess.objects.exists()


def test_a_limited_sweep_leaves_the_rest_for_the_next(alice: Agent, bob: Agent, charlie: Agent) -> None:
    for agent in (alice, bob, charlie):
        seen_ago(agent, days=31)

    assert [sweep_sessions(limit=2) for _ in range(3)] == [(2, 2), (1, 1), (0, 0)]


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_do_no_harm(alice: Agent, bob: Agent, charlie: Agent) -> None:
    alice.grant(charlie, "memory.read", "*")
    bob.grant(charlie, "memory.read", "*")
    for agent in (alice, bob):
        seen_ago(agent, status=INACTIVE, days=31)

    swept = at_once(*[sweep_sessions] * 4)

    assert sum(ended for _, ended in swept) == 2
    assert {status_of(alice), status_of(bob)} == {"deregistered"}
    events = [message["payload"]["event"] for message in charlie.inbox()]
    assert events == ["revoked", "revoked"]


@pytest.mark.django_db(transaction=True)
def test_a_session_that_comes_back_meanwhile_is_spared(
    alice: Agent, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    for agent in (alice, bob):
        seen_ago(agent, status=INACTIVE, days=31)

    def the_other_acts(ended: Iterable[str]) -> None:
        for agent in (alice, bob):
            if agent.id not in ended:
                assert agent.get("messages").status == 200

    monkeypatch.setattr(bell, "ring", the_other_acts)

    assert sweep_sessions() == (0, 1)
    assert sorted([status_of(alice), status_of(bob)]) == ["active", "deregistered"]
