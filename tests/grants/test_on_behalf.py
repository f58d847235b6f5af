"""Decisions that a person makes in the grantor's place."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from hub.grants import rules
from hub.grants.models import Grant
from realms.audit.models import AuditEvent
from realms.models import Realm
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cases import cases
from tests.cast import OPERATOR, Agent
from tests.grants.lives import STATES, asked, grant_in, kept
from tests.memory.entries import keys_in, written

DECISIONS = {
    "approve": rules.approve_on_behalf_of_grantor,
    "deny": rules.deny_on_behalf_of_grantor,
}
every_decision = cases("decide", DECISIONS.values(), ids=DECISIONS)


def _notices(agent: Agent) -> list[tuple[str, str]]:
    return [(message["from"], message["payload"]["event"]) for message in agent.inbox("?category=grant")]


def test_an_approval_lets_the_grant_begin(realm: Realm, alice: Agent, bob: Agent) -> None:
    written(bob, "project.name")
    grant_id = asked(alice, bob)

    rules.approve_on_behalf_of_grantor(realm_id=realm.pk, grant_id=grant_id, by=OPERATOR)

    assert keys_in(alice.get("memory")) == ["project.name"]


def test_a_denial_lets_it_not(realm: Realm, alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob)

    rules.deny_on_behalf_of_grantor(realm_id=realm.pk, grant_id=grant_id, by=OPERATOR)

    assert alice.get(f"grants/{grant_id}").json["status"] == "denied"


@pytest.mark.parametrize(("action", "event"), [("approve", "approved"), ("deny", "denied")])
def test_both_sides_are_told_by_the_hub(
    realm: Realm, alice: Agent, bob: Agent, action: str, event: str
) -> None:
    grant_id = asked(alice, bob)
    bob.inbox()

    DECISIONS[action](realm_id=realm.pk, grant_id=grant_id, by=OPERATOR)

    assert _notices(alice) == _notices(bob) == [("hub", event)]


def test_the_log_names_whoever_decided_and_for_whom(realm: Realm, alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob)

    rules.approve_on_behalf_of_grantor(realm_id=realm.pk, grant_id=grant_id, by=OPERATOR)

    event = AuditEvent.objects.get(action="grant.approved")
    assert (event.actor, event.target) == (OPERATOR.name, grant_id)
    assert event.details["on_behalf_of"] == bob.id


def test_it_can_only_be_narrowed(realm: Realm, alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob)
    before, late = kept(), timezone.now() + timedelta(days=2)
    approve = partial(rules.approve_on_behalf_of_grantor, realm_id=realm.pk, grant_id=grant_id, by=OPERATOR)

    for members in ({"namespace": "*"}, {"expires_at": late}, {"expires_at": timezone.now()}):
        with pytest.raises(Refusal):
            approve(**members)

    assert kept() == before
    assert approve(namespace="project.name").namespace == "project.name"


@every_decision
@cases("state", [state for state in STATES if state != "pending"])
def test_only_a_pending_grant_is_decided(
    realm: Realm, alice: Agent, bob: Agent, state: str, decide: partial[Grant]
) -> None:
    grant_id = grant_in(state, alice, bob)
    before, events = kept(), AuditEvent.objects.count()

    with pytest.raises(Refusal) as refused:
        decide(realm_id=realm.pk, grant_id=grant_id, by=OPERATOR)

    assert refused.value.code == "grant_not_pending"
    assert (kept(), AuditEvent.objects.count()) == (before, events)


@every_decision
def test_a_grant_of_another_realm_is_not_there(
    alice: Agent, bob: Agent, mallory: Agent, decide: partial[Grant]
) -> None:
    grant_id = asked(alice, bob)
    before = kept()
    assert mallory.session is not None

    with pytest.raises(Refusal) as refused:
        decide(realm_id=mallory.session.realm_id, grant_id=grant_id, by=OPERATOR)

    assert refused.value.code == "grant_not_found"
    assert kept() == before


def _outcome(decide: partial[Grant]) -> str:
    try:
        return decide().status
    except Refusal as refusal:
        return refusal.code


@pytest.mark.django_db(transaction=True)
def test_of_decisions_of_several_people_and_the_session_one_counts(
    realm: Realm, alice: Agent, bob: Agent
) -> None:
    for _ in range(4):
        grant_id = asked(alice, bob)
        bob.inbox()
        by_people = [
            partial(_outcome, partial(decide, realm_id=realm.pk, grant_id=grant_id, by=OPERATOR))
            for decide in DECISIONS.values()
        ]

        by_session = partial(lambda path: bob.post(path).json, f"grants/{grant_id}/approve")
        outcomes = at_once(*by_people * 2, by_session)

        decided = [outcome for outcome in outcomes if outcome in ("active", "denied")]
        by_bob = outcomes[-1]["status"] == "active"
        assert len(decided) + by_bob == 1
        assert len(_notices(alice)) == 1
        assert len(_notices(bob)) == len(decided)
        bob.delete(f"grants/{grant_id}")
        alice.inbox()


@pytest.mark.django_db(transaction=True)
def test_no_grant_of_a_session_that_leaves_at_the_same_time_stays(
    realm: Realm, alice: Agent, bob: Agent
) -> None:
    ids = [asked(alice, bob, namespace=f"n{i}") for i in range(4)]
    approvals = [
        partial(
            _outcome,
            partial(rules.approve_on_behalf_of_grantor, realm_id=realm.pk, grant_id=grant_id, by=OPERATOR),
        )
        for grant_id in ids
    ]

    *outcomes, gone = at_once(*approvals, lambda: bob.delete(f"sessions/{bob.id}").status)

    assert gone == 200
    assert set(outcomes) <= {"active", "grant_not_pending"}
    assert set(Grant.objects.values_list("status", flat=True)) == {"revoked"}
