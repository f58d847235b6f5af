"""A message's page: its way, and what it says, which the owner alone opens."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from hub.messages.models import Message
from hub.messages.payloads import open_payload
from realms.ids import MESSAGE, new_id
from realms.models import AuditEvent, Realm
from realms.refusal import Refusal
from tests.cast import OPERATOR, Agent
from tests.console.people import Person, words_of
from tests.console.test_list_messages import CANARY, sent
from tests.rows import set_realm


def trace_in(answer: Any) -> list[tuple[str, str]]:
    """Return each recipient's name and state."""
    return [(session.name, status) for _, session, status, _ in answer.context["trace"]]


def openings() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action="message.payload_opened"))


def test_each_recipient_has_a_state_in_the_senders_order(
    viewer: Person, alice: Agent, bob: Agent, charlie: Agent
) -> None:
    message = sent(alice, [charlie, bob, alice])
    bob.inbox()
    assert charlie.delete(f"sessions/{charlie.id}").status == 200

    answer = viewer.get("realm-message", message)

    assert trace_in(answer) == [("charlie", "discarded"), ("bob", "read"), ("alice", "queued")]
    assert viewer.path("realm-session", charlie.id) in words_of(answer)


def test_it_shows_what_the_envelope_says(viewer: Person, alice: Agent, bob: Agent) -> None:
    first = sent(alice, bob)
    alice.grant(bob, "delegate.receive")
    until = "2099-01-02T03:04:05Z"
    task = sent(bob, alice, "delegate", capability="delegate.receive", reply_to=first, expires_at=until)

    shown = words_of(viewer.get("realm-message", task))

    assert "delegate.receive" in shown
    assert "2099-01-02 03:04:05 UTC" in shown
    assert viewer.path("realm-message", first) in shown


def test_a_reply_to_a_message_of_another_realm_is_no_link(
    viewer: Person, alice: Agent, mallory: Agent
) -> None:
    foreign, none = sent(mallory, mallory), new_id(MESSAGE)
    pages = []
    for named in (foreign, none):
        reply = sent(alice, alice, reply_to=named)
        shown = words_of(viewer.get("realm-message", reply))
        assert named in shown and viewer.path("realm-message", named) not in shown
        pages.append(len(shown))
    assert pages[0] == pages[1]


@pytest.mark.parametrize(("method", "page"), [("get", "realm-message"), ("post", "realm-message-open")])
def test_another_realms_message_is_as_one_that_is_none(
    owner: Person, alice: Agent, mallory: Agent, method: str, page: str
) -> None:
    own, foreign = sent(alice, alice), sent(mallory, mallory)
    ask = getattr(owner, method)
    answers = [ask(page, each) for each in (foreign, new_id(MESSAGE), "msg_x", own[4:], alice.id)]

    assert {answer.status_code for answer in answers} == {404}
    assert len({words_of(answer) for answer in answers}) == 1
    assert not openings()
    assert ask(page, own.lower()).status_code == 200


def test_the_owner_opens_a_payload_and_the_log_tells(owner: Person, alice: Agent, bob: Agent) -> None:
    message = sent(alice, bob, payload={"text": CANARY, "at": 1e308})

    answer = owner.post("realm-message-open", message)

    shown = answer.content.decode()
    assert answer.status_code == 200
    assert f'<span class="s2">&quot;{CANARY}&quot;</span>' in shown
    assert "no-store" in answer["Cache-Control"]
    (event,) = openings()
    assert (event.target, event.actor, event.details) == (message, owner.user.email, {})
    assert CANARY not in owner.get("realm-message", message).content.decode()


def test_each_opening_is_an_event(owner: Person, alice: Agent) -> None:
    message = sent(alice, alice)
    for _ in range(2):
        assert owner.post("realm-message-open", message).status_code == 200

    assert len(openings()) == 2
    assert owner.get("realm-message-open", message).status_code == 405


def test_admins_and_viewers_open_nothing(owner: Person, admin: Person, viewer: Person, alice: Agent) -> None:
    message = sent(alice, alice, payload={"text": CANARY})
    button = owner.path("realm-message-open", message)
    assert button in words_of(owner.get("realm-message", message))

    for person in (admin, viewer):
        answer = person.post("realm-message-open", message)
        assert answer.status_code == 403
        assert CANARY not in answer.content.decode()
        shown = words_of(person.get("realm-message", message))
        assert button not in shown
        assert "Only the realm's owner can open a payload; opening is written into the audit log." in shown
    assert not openings()


def test_nothing_is_opened_in_a_suspended_realm(owner: Person, alice: Agent) -> None:
    message = sent(alice, alice)
    set_realm(owner.realm, status=Realm.Status.SUSPENDED)

    assert owner.post("realm-message-open", message).status_code == 403
    assert owner.path("realm-message-open", message) not in words_of(owner.get("realm-message", message))
    assert not openings()


def test_a_message_that_was_dropped_meanwhile_is_not_opened(alice: Agent) -> None:
    sent(alice, alice)
    message = Message.objects.get()
    Message.objects.all().delete()

    with pytest.raises(Refusal, match="message_not_found"):
        open_payload(message=message, by=OPERATOR)
    assert not openings()


def test_a_page_asks_a_bounded_number_of_queries(
    viewer: Person,
    alice: Agent,
    bob: Agent,
    charlie: Agent,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    message = sent(alice, [alice, bob, charlie], reply_to=sent(alice, bob))

    with django_assert_max_num_queries(10):
        viewer.get("realm-message", message)
