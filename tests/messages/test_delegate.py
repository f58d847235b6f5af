"""POST /messages with the category `delegate`: only under the recipient's grant."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hub.grants.models import Grant
from hub.messages.models import Message
from hub.sessions.models import Session
from tests.cast import Agent, Answer, new_agent


def assert_refused(answer: Answer, *recipients: Agent) -> None:
    assert (answer.status, answer.code) == (403, "grant_required")
    assert answer.json["recipients"] == [recipient.id for recipient in recipients]
    assert "POST /api/v1/grants" in answer.json["detail"]
    assert not Message.objects.filter(category="delegate").exists()


def ask(alice: Agent, bob: Agent) -> str:
    wish = {"to": bob.id, "capability": "delegate.receive"}
    return str(alice.post("grants", wish).json["grant_id"])


def test_with_a_grant_it_is_sent(alice: Agent, bob: Agent) -> None:
    bob.grant(alice, "delegate.receive")

    assert alice.send(bob, "delegate").status == 200
    assert bob.inbox()[0]["capability"] == "delegate.receive"


def test_without_a_grant_it_is_refused(alice: Agent, bob: Agent) -> None:
    assert_refused(alice.send(bob, "delegate"), bob)


def test_a_pending_grant_is_not_enough(alice: Agent, bob: Agent) -> None:
    grant = ask(alice, bob)
    assert_refused(alice.send(bob, "delegate"), bob)

    bob.post(f"grants/{grant}/approve")
    assert alice.send(bob, "delegate").status == 200


@pytest.mark.parametrize("by", ["grantor", "requester"])
def test_a_revoked_grant_ends_at_once(alice: Agent, bob: Agent, by: str) -> None:
    grant = bob.grant(alice, "delegate.receive")

    assert (bob if by == "grantor" else alice).delete(f"grants/{grant}").status == 200

    assert_refused(alice.send(bob, "delegate"), bob)


def test_a_denied_grant_is_none(alice: Agent, bob: Agent) -> None:
    assert bob.post(f"grants/{ask(alice, bob)}/deny").status == 200

    assert_refused(alice.send(bob, "delegate"), bob)


def test_an_expired_grant_is_void_before_any_worker_has_run(alice: Agent, bob: Agent) -> None:
    grant = bob.grant(alice, "delegate.receive")
    Grant.objects.filter(pk=grant).update(expires_at=timezone.now() - timedelta(microseconds=1))

    assert_refused(alice.send(bob, "delegate"), bob)
    assert Grant.objects.get(pk=grant).status == "active"


def test_a_grant_has_a_direction(alice: Agent, bob: Agent) -> None:
    alice.grant(bob, "delegate.receive")

    assert_refused(alice.send(bob, "delegate"), bob)


def test_a_grant_is_the_sessions_and_not_the_keys(key: str, alice: Agent, bob: Agent) -> None:
    bob.grant(alice, "delegate.receive")
    sister = new_agent(key, "sister")

    assert_refused(sister.send(bob, "delegate"), bob)


def test_a_grant_of_another_capability_is_not_enough(alice: Agent, bob: Agent) -> None:
    bob.grant(alice, "memory.read", "*")

    assert_refused(alice.send(bob, "delegate"), bob)


def test_a_capability_of_ones_own_can_be_used(key: str, alice: Agent) -> None:
    translator = new_agent(key, "translator", capabilities=["translate"])
    translator.grant(alice, "translate")

    assert alice.send(translator, "delegate", capability="translate").status == 200
    assert translator.inbox()[0]["capability"] == "translate"
    assert alice.send(translator, "delegate").code == "grant_required"


def test_what_is_declared_no_more_cannot_be_used(alice: Agent, bob: Agent) -> None:
    bob.grant(alice, "delegate.receive")
    Session.objects.filter(pk=bob.id).update(capabilities=["memory.read"])

    assert_refused(alice.send(bob, "delegate"), bob)


def test_every_recipient_has_to_grant(key: str, alice: Agent, bob: Agent) -> None:
    dora, emil = (new_agent(key, name, capabilities=["delegate.receive"]) for name in ("dora", "emil"))
    bob.grant(alice, "delegate.receive")

    answer = alice.send([dora, bob, emil], "delegate")

    assert_refused(answer, dora, emil)
    assert [error["pointer"] for error in answer.json["errors"]] == ["/to/0", "/to/2"]
    assert bob.inbox() == []
    for agent in (dora, emil):
        agent.grant(alice, "delegate.receive")
    assert alice.send([dora, bob, emil], "delegate").status == 200


def test_a_session_needs_no_grant_of_its_own(alice: Agent) -> None:
    assert alice.send(alice, "delegate").status == 200


def test_an_unknown_recipient_comes_before_a_missing_grant(alice: Agent, bob: Agent, mallory: Agent) -> None:
    assert alice.send(bob, "delegate", to=[bob.id, mallory.id]).code == "recipient_not_found"
