"""Handing a namespace to another session."""

import threading
from functools import partial

import pytest

from hub.memory import namespaces
from hub.memory.models import MemoryEntry, MemoryNamespace, MemoryUsage
from hub.memory.namespaces import hand_over_namespace
from hub.sessions.models import Session
from realms.audit.models import AuditEvent
from realms.models import Realm
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cast import OPERATOR, Agent, Answer
from tests.memory.entries import keys_in, stored, write, written


def hand(realm: Realm, to: Agent, name: str = "project") -> None:
    """Hand a namespace of the realm to an agent."""
    hand_over_namespace(realm_id=realm.pk, name=name, to_session_id=to.id, by=OPERATOR)


def test_the_new_owner_has_all_of_it_and_the_former_none(realm: Realm, alice: Agent, bob: Agent) -> None:
    written(alice, "project.name", "project", "other.name")

    hand(realm, bob)

    assert keys_in(bob.get("memory")) == ["project", "project.name"]
    assert keys_in(alice.get("memory")) == ["other.name"]
    assert write(bob, {"project.new": 1}).status == 200
    assert write(alice, {"project.new": 1}).code == "grant_required"
    assert MemoryUsage.objects.get().entries == 4


def test_grants_of_the_former_owner_stop_covering_it(
    realm: Realm, alice: Agent, bob: Agent, charlie: Agent
) -> None:
    written(alice, "project.name", "other.name")
    for pattern in ("project.*", "*"):
        alice.grant(charlie, "memory.read", pattern)
    assert keys_in(charlie.get("memory")) == ["other.name", "project.name"]

    hand(realm, bob)

    assert keys_in(charlie.get("memory")) == ["other.name"]
    assert charlie.get("memory/project.name").code == "grant_required"


def test_grants_of_everything_that_the_new_owner_gave_start_to_cover_it(
    realm: Realm, alice: Agent, bob: Agent, charlie: Agent
) -> None:
    written(alice, "project.name")
    bob.grant(charlie, "memory.read", "*")
    assert charlie.get("memory/project.name").code == "grant_required"

    hand(realm, bob)

    assert charlie.get("memory/project.name").status == 200


def test_what_a_deregistered_session_left_is_handed_over(realm: Realm, alice: Agent, bob: Agent) -> None:
    written(alice, "project.name")
    assert alice.delete(f"sessions/{alice.id}").status == 200

    hand(realm, bob)

    assert keys_in(bob.get("memory")) == ["project.name"]


def test_only_a_live_session_of_the_realm_gets_one(
    realm: Realm, alice: Agent, bob: Agent, charlie: Agent, mallory: Agent
) -> None:
    written(alice, "project.name")
    assert charlie.delete(f"sessions/{charlie.id}").status == 200
    before, events = stored(), AuditEvent.objects.count()

    for to, code in (
        (charlie, "session_not_found"),
        (mallory, "session_not_found"),
        (alice, "invalid_request"),
    ):
        with pytest.raises(Refusal) as refused:
            hand(realm, to)
        assert (refused.value.code, refused.value.errors[0]["pointer"]) == (code, "/to")

    assert (stored(), AuditEvent.objects.count()) == (before, events)
    hand(realm, bob)


def test_a_namespace_of_another_realm_is_not_there(realm: Realm, bob: Agent, mallory: Agent) -> None:
    written(mallory, "project.name")
    before = stored()

    with pytest.raises(Refusal) as refused:
        hand(realm, bob)

    assert refused.value.code == "not_found"
    assert stored() == before


@pytest.mark.django_db(transaction=True)
def test_writes_at_the_same_time_are_the_former_owners_or_refused(
    realm: Realm, alice: Agent, bob: Agent
) -> None:
    written(alice, "project.name")

    calls = [partial(write, alice, {f"project.{i}": i}) for i in range(4)]
    *answers, _ = at_once(*calls, lambda: hand(realm, bob) or Answer(200, None, {}))  # type: ignore[func-returns-value]

    assert {answer.status for answer in answers} <= {200, 403}
    assert MemoryNamespace.objects.get().owner_id == bob.id
    kept = 1 + sum(answer.status == 200 for answer in answers)
    assert MemoryEntry.objects.count() == MemoryUsage.objects.get().entries == kept
    assert write(alice, {"project.name": 2}).status == 403


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_write_that_waited_for_it_is_refused(
    realm: Realm, alice: Agent, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write has claimed the namespace, which was alice's, when the hand-over takes its lock."""
    written(alice, "project.name")
    holds, waits = threading.Event(), threading.Event()
    lock = namespaces.lock_namespaces

    def lock_in_turn(realm_id: str, names: list[str]) -> dict[str, MemoryNamespace]:
        if threading.current_thread() is hander[0]:
            locked = lock(realm_id, names)
            holds.set()
            waits.wait(0.3)
            return locked
        assert holds.wait(5)
        return lock(realm_id, names)

    hander: list[threading.Thread] = []

    def hand_slowly() -> int:
        hander.append(threading.current_thread())
        hand(realm, bob)
        return 200

    def write_meanwhile() -> int:
        while not hander:
            holds.wait(0.01)
        return write(alice, {"project.name": 2}).status

    monkeypatch.setattr(namespaces, "lock_namespaces", lock_in_turn)

    assert at_once(hand_slowly, write_meanwhile) == [200, 403]
    assert MemoryEntry.objects.get().version == 1


@pytest.mark.django_db(transaction=True)
def test_a_session_that_leaves_at_the_same_time_leaves_it_to_its_heir(
    realm: Realm, alice: Agent, bob: Agent
) -> None:
    written(alice, "project.name")

    def try_to_hand() -> bool:
        try:
            hand(realm, bob)
        except Refusal as refusal:
            assert refusal.code == "session_not_found"
            return False
        return True

    handed, gone = at_once(try_to_hand, lambda: bob.delete(f"sessions/{bob.id}").status == 200)

    assert gone
    assert Session.objects.get(pk=bob.id).status == Session.Status.DEREGISTERED
    assert MemoryNamespace.objects.get().owner_id == (bob.id if handed else alice.id)
