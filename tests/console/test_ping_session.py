"""A ping from the console: the hub sends it, and the page tells how it goes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hub.messages.models import Ping
from realms.ids import MESSAGE, new_id
from tests.cast import Agent
from tests.console.people import Person, words_of
from tests.messages.test_pong import late, ping_of, pong
from tests.rows import unread_of

ASKS_ITSELF = 'hx-trigger="load delay:500ms"'


def pinged(person: Person, agent: Agent) -> str:
    """Ping an agent, and return the address of the page that one is led to."""
    answer = person.post("realm-session-ping", agent.id)
    assert answer.status_code == 302
    return str(answer["Location"])


def nonce_of(address: str) -> str:
    return Ping.objects.get(pk=address.split("ping=")[1]).nonce


def test_the_session_gets_a_ping_from_the_hub(admin: Person, alice: Agent) -> None:
    address = pinged(admin, alice)

    received = alice.inbox()[0]

    assert (received["from"], received["category"]) == ("hub", "ping")
    assert address == admin.path("realm-session", alice.id, ping=received["id"])


def test_the_page_asks_for_itself_until_the_pong_is_there(admin: Person, alice: Agent) -> None:
    address = pinged(admin, alice)
    assert ASKS_ITSELF in words_of(admin.browser.get(address))
    received = alice.inbox()[0]

    assert pong(alice, "hub", received["payload"]["nonce"]).status == 200

    Ping.objects.update(sent_at=timezone.now() - timedelta(seconds=3))
    ping = Ping.objects.get()
    assert ping.answered_at is not None
    Ping.objects.update(sent_at=ping.answered_at - timedelta(milliseconds=123))
    shown = words_of(admin.browser.get(address))
    assert "123 ms" in shown
    assert ASKS_ITSELF not in shown


def test_a_ping_that_nobody_answers_is_given_up(admin: Person, alice: Agent) -> None:
    address = pinged(admin, alice)
    assert unread_of(alice) == (1, 1)
    admin.browser.get(address)
    assert unread_of(alice) == (1, 1)

    late(Ping.objects.get())
    for _ in range(2):
        shown = words_of(admin.browser.get(address))
        assert "No answer" in shown
        assert ASKS_ITSELF not in shown

    assert unread_of(alice) == (0, 0)


def test_two_pings_do_not_mix(owner: Person, admin: Person, alice: Agent) -> None:
    first, second = pinged(owner, alice), pinged(admin, alice)

    assert pong(alice, "hub", nonce_of(second)).status == 200

    assert ASKS_ITSELF in words_of(owner.browser.get(first))
    assert "It answered" in words_of(admin.browser.get(second))


def test_a_ping_is_of_one_session_and_one_realm(
    owner: Person, alice: Agent, bob: Agent, charlie: Agent, mallory: Agent
) -> None:
    address = pinged(owner, alice)
    own = address.split("ping=")[1]
    theirs = ping_of(mallory, mallory).pk
    by_a_session = ping_of(charlie, alice).pk
    assert owner.browser.get(address).status_code == 200

    answers = [
        owner.get("realm-session", agent.id, ping=ping)
        for agent, ping in (
            (bob, own),
            (alice, theirs),
            (alice, by_a_session),
            (alice, new_id(MESSAGE)),
            (alice, "x"),
            (alice, ""),
        )
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({words_of(answer) for answer in answers}) == 1


def test_a_session_that_has_left_is_not_pinged(admin: Person, alice: Agent) -> None:
    assert alice.delete(f"sessions/{alice.id}").status == 200

    assert admin.post("realm-session-ping", alice.id).status_code == 404
    assert not Ping.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_viewer_does_not_ping(viewer: Person, alice: Agent, method: str) -> None:
    answer = getattr(viewer, method)("realm-session-ping", alice.id)

    assert answer.status_code in (403, 405)
    assert not Ping.objects.exists()
