"""The flow of messages: by metadata, newest first, filtered, in pages that hold as messages come."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from hub.console.listing import ROWS
from hub.console.message_flow import state_of
from hub.messages.models import Message
from realms.ids import SESSION, new_id
from realms.spans import Written
from tests.cases import cases
from tests.cast import Agent, new_agent
from tests.console.people import Person, words_of
from tests.messages.test_pong import ping_of
from tests.rows import open_stream

CANARY = "canary-7f3a"
SOMEWHERE = "msg_01HX9J2N3PQRSTVWXYZ0123456"


def sent(sender: Agent, to: Agent | list[Agent], category: str = "message", **members: Any) -> str:
    """Send a message and return its id."""
    return str(sender.send(to, category, **members).json["message_id"])


def ids_in(answer: Any) -> list[str]:
    """Return the ids of the list's rows, from the top."""
    assert answer.status_code == 200
    return [row.message.pk for row in answer.context["rows"]]


def row_in(answer: Any) -> Any:
    """Return the only row."""
    (row,) = answer.context["rows"]
    return row


def test_the_newest_message_stands_first(viewer: Person, alice: Agent, bob: Agent) -> None:
    ids = [sent(alice, bob), sent(bob, alice), sent(alice, alice)]

    assert ids_in(viewer.get("realm-messages")) == ids[::-1]


def test_a_row_shows_metadata(viewer: Person, alice: Agent, bob: Agent) -> None:
    payload = {"text": "é" * 10}
    message = sent(alice, bob, "event", payload=payload)

    answer = viewer.get("realm-messages")

    row = row_in(answer)
    assert (row.message.sender.name, row.recipient.name, row.state) == ("alice", "bob", "queued")
    assert row.message.size == len('{"text":""}') + 2 * 10
    assert row.message.envelope_size == 0
    shown = words_of(answer)
    for path in (
        viewer.path("realm-session", alice.id),
        viewer.path("realm-session", bob.id),
        viewer.path("realm-message", message),
    ):
        assert path in shown


def test_several_recipients_are_counted(viewer: Person, alice: Agent, bob: Agent, charlie: Agent) -> None:
    sent(alice, [bob, charlie, alice])
    bob.inbox()

    answer = viewer.get("realm-messages")

    assert row_in(answer).state == "1 of 3 read"
    assert "3 sessions" in words_of(answer)


def test_the_hub_sends_as_the_hub(viewer: Person, alice: Agent, bob: Agent) -> None:
    sent(alice, bob)
    ping = ping_of(alice, bob)

    assert ids_in(viewer.get("realm-messages", sender="hub")) == [ping.pk]


@pytest.mark.parametrize(
    ("came", "state"),
    [
        ((1, 1, 0, 0), "queued"),
        ((1, 1, 1, 0), "delivered"),
        ((1, 1, 1, 1), "read"),
        ((1, 0, 0, 0), "discarded"),
        ((3, 3, 0, 0), "queued"),
        ((3, 3, 2, 0), "2 of 3 delivered"),
        ((3, 3, 3, 0), "delivered"),
        ((3, 3, 3, 1), "1 of 3 read"),
        ((3, 2, 0, 0), "2 of 3 queued"),
        ((3, 3, 3, 3), "read"),
    ],
)
def test_a_state_is_one_word_or_how_many(came: tuple[int, int, int, int], state: str) -> None:
    assert state_of(*came) == state


def test_states_are_those_of_the_api(viewer: Person, alice: Agent, bob: Agent) -> None:
    message = sent(alice, bob)
    assert row_in(viewer.get("realm-messages")).state == alice_sees(alice, message)
    bob.inbox()
    assert row_in(viewer.get("realm-messages")).state == alice_sees(alice, message) == "read"


def test_what_a_stream_had_is_delivered(viewer: Person, alice: Agent, bob: Agent) -> None:
    open_stream(bob)
    message = sent(alice, bob)

    assert row_in(viewer.get("realm-messages")).state == alice_sees(alice, message) == "delivered"


def alice_sees(alice: Agent, message: str) -> str:
    return str(alice.get(f"messages/{message}").json["recipients"][0]["status"])


def test_filters_narrow_and_add_up(viewer: Person, alice: Agent, bob: Agent, charlie: Agent) -> None:
    to_bob, event, by_bob = sent(alice, bob), sent(alice, charlie, "event"), sent(bob, charlie)

    def found(**query: str) -> list[str]:
        return ids_in(viewer.get("realm-messages", **query))

    assert found(category="event") == [event]
    assert found(category="error") == []
    assert found(sender=alice.id) == [event, to_bob]
    assert found(sender="ALICE") == [event, to_bob]
    assert found(recipient="charlie") == [by_bob, event]
    assert found(recipient=charlie.id.lower(), sender="bob") == [by_bob]
    assert found(recipient="charlie", category="event") == [event]
    assert found(recipient="charlie", category="event", sender="bob") == []


def test_messages_of_a_deregistered_session_are_found_by_its_id(
    viewer: Person, alice: Agent, bob: Agent
) -> None:
    message = sent(alice, bob)
    assert alice.delete(f"sessions/{alice.id}").status == 200

    assert ids_in(viewer.get("realm-messages", sender=alice.id)) == [message]
    assert viewer.get("realm-messages", sender="alice").status_code == 404


@pytest.mark.parametrize("field", ["sender", "recipient"])
def test_another_realms_session_is_as_one_that_is_none(
    viewer: Person, alice: Agent, mallory: Agent, field: str
) -> None:
    named = ("mallory", mallory.id, new_id(SESSION), "nobody", "sess_x", "1" * 60)
    answers = [viewer.get("realm-messages", **{field: each}) for each in named]

    assert {answer.status_code for answer in answers} == {404}
    assert len({words_of(answer) for answer in answers}) == 1


def test_no_message_of_another_realm_is_there(viewer: Person, alice: Agent, mallory: Agent) -> None:
    own, foreign = sent(alice, alice), sent(mallory, mallory)

    for query in ({}, {"category": "message"}):
        answer = viewer.get("realm-messages", **query)
        assert ids_in(answer) == [own]
        assert foreign not in words_of(answer) and mallory.id not in words_of(answer)


@cases(
    "wrong",
    [
        {"category": "pingpong"},
        {"sender": "x" * 65},
        {"recipient": "a\0b"},
        {"before": ""},
        {"before": "yesterday"},
        {"before": SOMEWHERE},
        {"before": f"{'9' * 17}.{SOMEWHERE}"},
        {"before": f"-1.{SOMEWHERE}"},
        {"before": "1.sess_01HX9J2N3PQRSTVWXYZ0123456"},
        {"before": "٣.msg_01HX9J2N3PQRSTVWXYZ0123456"},
    ],
    ids=str,
)
def test_what_is_no_filter_is_refused(viewer: Person, alice: Agent, wrong: dict[str, str]) -> None:
    sent(alice, alice)

    answer = viewer.get("realm-messages", **wrong)

    assert answer.status_code == 400
    assert "alice" not in re.sub(r"alice@example\.com", "", answer.content.decode())


@cases("before", ["9" * 17, "-1", "x", "", f"1.{SOMEWHERE}"])
def test_an_inbox_has_places_of_its_own(viewer: Person, alice: Agent, before: str) -> None:
    assert viewer.get("realm-messages", recipient="alice", before=before).status_code == 400
    assert viewer.get("realm-messages", recipient="alice", before="9" * 16).status_code == 200


@cases("query", [{}, {"recipient": "bob"}, {"sender": "alice"}], ids=str)
@cases("at", [None, timezone.now(), timezone.now().replace(microsecond=0)])
def test_pages_leave_nothing_out_and_repeat_nothing(
    viewer: Person, alice: Agent, bob: Agent, query: dict[str, str], at: datetime | None
) -> None:
    ids = [sent(alice, bob) for _ in range(ROWS + 3)]
    if at is not None:
        Message.objects.update(sent_at=Written(at))

    first = viewer.get("realm-messages", **query)
    sent(alice, bob)
    second = viewer.get("realm-messages", **query, before=first.context["page"].older)

    assert sorted([*ids_in(first), *ids_in(second)]) == sorted(ids)
    assert second.context["page"].older is None
    assert 'id="messages" data-live' in words_of(first) and 'id="messages"' not in words_of(second)


def pages_of(person: Person, message: str) -> list[Callable[[], Any]]:
    """Return every page of the two rooms that shows messages without opening one."""
    queries: list[dict[str, str]] = [{}, {"category": "message"}, {"sender": "alice"}, {"recipient": "bob"}]
    return [
        *(lambda query=query: person.get("realm-messages", **query) for query in queries),
        lambda: person.get("realm-message", message),
    ]


def test_no_page_shows_what_a_message_says(owner: Person, alice: Agent, bob: Agent) -> None:
    message = sent(alice, bob, payload={CANARY: CANARY})

    for page in pages_of(owner, message):
        answer = page()
        assert message in answer.content.decode()
        assert CANARY not in answer.content.decode()


def test_no_query_reads_a_payload(owner: Person, alice: Agent, bob: Agent, is_postgresql: bool) -> None:
    """Sizes alone are asked for, which PostgreSQL knows without reading what it keeps apart."""
    message = sent(alice, bob)
    size = r'octet_length\("hub_message"\."(payload|envelope)"\)'
    if not is_postgresql:
        size = r'length\(CAST\("hub_message"\."(payload|envelope)" AS BLOB\)\)'

    with CaptureQueriesContext(connection) as captured:
        for page in pages_of(owner, message):
            assert page().status_code == 200

    asked = " ".join(query["sql"] for query in captured)
    assert re.search(size, asked)
    without = re.sub(size + r' AS "\w+"', "", asked)
    assert '"payload"' not in without and '"envelope"' not in without
    assert '"manifest"' not in without


def test_a_list_asks_no_query_per_row(
    viewer: Person,
    key: str,
    alice: Agent,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(9):
        new = new_agent(key, f"agent-{number}")
        sent(new, [alice, new])
        sent(new, alice)

    with django_assert_max_num_queries(11):
        viewer.get("realm-messages")
    with django_assert_max_num_queries(13):
        viewer.get("realm-messages", recipient="alice", sender="agent-1")


def test_an_empty_realm_says_how_messages_come(owner: Person, alice: Agent) -> None:
    assert "No message has been sent yet" in owner.get("realm-messages").content.decode()
    assert "No message matches" in owner.get("realm-messages", sender="alice").content.decode()
