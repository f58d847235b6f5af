"""A page ends at 4 MiB, however many messages were asked for."""

from typing import Any

import msgspec

from hub.messages.envelope import PAYLOAD_BYTES
from hub.page_bytes import PAGE_BYTES
from tests.cases import cases
from tests.cast import Agent

COUNT = 18  # of the largest payloads, of which 15 fit into 4 MiB with what else a message has
FIT = 15


def send_large(alice: Agent, bob: Agent) -> list[str]:
    """Fill an inbox with more than a page holds and return the ids."""
    payload = {"x": "x" * (PAYLOAD_BYTES - len('{"x":""}'))}
    ids = []
    for _ in range(COUNT):
        answer = alice.send(bob, payload=payload)
        assert answer.status == 200
        ids.append(answer.json["message_id"])
    return ids


def ids_of(page: Any) -> list[str]:
    assert len(msgspec.json.encode(page)) <= PAGE_BYTES
    return [message["id"] for message in page["messages"]]


def test_a_poll_takes_what_a_page_holds_and_marks_nothing_else(alice: Agent, bob: Agent) -> None:
    sent = send_large(alice, bob)

    first = bob.get("messages?limit=300").json
    second = bob.get("messages?limit=300").json

    assert (ids_of(first), first["unread_count"]) == (sent[:FIT], COUNT)
    assert (ids_of(second), second["unread_count"]) == (sent[FIT:], COUNT - FIT)
    assert bob.inbox() == []


@cases("query", ["peek=true&", "after=msg_00000000000000000000000000&peek=true&"])
def test_a_look_ends_there_too(alice: Agent, bob: Agent, query: str) -> None:
    sent = send_large(alice, bob)

    page = bob.get(f"messages?{query}limit=300").json

    assert (ids_of(page), page["unread_count"]) == (sent[:FIT], COUNT)
    assert ids_of(bob.get(f"messages?after={sent[FIT - 1]}&limit=300").json) == sent[FIT:]
