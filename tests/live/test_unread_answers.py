"""Answers that nobody reads take up a bounded room."""

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from hub.api.unread_answers import ANSWERS, LEAST_PAGE_BYTES, PAGES_BYTES, UnreadAnswer
from hub.page_bytes import PAGE_BYTES
from realms.models import Realm
from tests.cast import new_agent, new_key
from tests.live.client import WireAgent
from tests.waiting import wait_until

KIB = 1024
MIB = 1024 * KIB
LOOK = "/messages?peek=true&limit=300"


@pytest.fixture
def full(alice: WireAgent) -> WireAgent:
    """Alice, whose inbox holds 5 MiB."""
    for _ in range(20):
        alice.send(alice.id, payload={"x": "x" * (250 * KIB)})
    return alice


@pytest.fixture
def carol(server: str, realm: Realm) -> Iterator[WireAgent]:
    """The agent `carol`, of a second key of the realm."""
    with WireAgent(server, new_agent(new_key(realm)[1], "carol")) as agent:
        yield agent


@contextlib.contextmanager
def unread(agent: WireAgent, count: int) -> Iterator[None]:
    """Have connections ask for a page and read nothing of it."""
    parts = urlsplit(agent.base)
    lines = [f"GET /api/v1{LOOK} HTTP/1.1", "Host: x", *(f"{n}: {v}" for n, v in agent.headers().items())]
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            before = ANSWERS.held()
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
            connection.connect((parts.hostname, parts.port))
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            wait_until(lambda before=before: ANSWERS.held() > before)  # type: ignore[misc]
        yield


def test_a_key_whose_answers_are_not_read_gets_no_more(full: WireAgent, carol: WireAgent) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ANSWERS, "each", 3 * MIB)
        with unread(full, 3):
            held = ANSWERS.held()
            refused = full.get(LOOK)
            others = carol.get("/messages")

    assert held <= 3 * MIB
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_unread_answers")
    assert int(refused.headers["retry-after"]) > 0
    assert others.status_code == 200
    wait_until(lambda: ANSWERS.held() == 0)
    assert len(full.get(LOOK).json()["messages"]) == 16


def test_the_answers_of_all_keys_are_bounded_too(full: WireAgent, carol: WireAgent) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ANSWERS, "all", 3 * MIB)
        with unread(full, 3):
            refused = full.get(LOOK)
            others = carol.get("/messages")

    assert others.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["retry-after"]) > 0


def test_a_page_that_is_refused_marks_nothing(full: WireAgent) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ANSWERS, "each", 3 * MIB)
        with unread(full, 3):
            assert full.get("/messages?limit=300").status_code == 429

    assert full.get("/messages?peek=true&limit=1").json()["unread_count"] == 20


def test_an_answer_that_is_read_takes_no_room(full: WireAgent) -> None:
    for _ in range(6):
        assert full.get(LOOK).status_code == 200

    wait_until(lambda: ANSWERS.held() == 0)


def test_pages_that_are_made_at_the_same_time_share_their_room() -> None:
    answers = [UnreadAnswer(f"key {number}") for number in range(12)]
    sizes = [answer.begin_page() for answer in answers]
    for answer in answers:
        answer.release()

    assert sizes[0] == PAGE_BYTES
    assert sizes[-1] == LEAST_PAGE_BYTES
    assert sum(sizes) < PAGES_BYTES + len(sizes) * LEAST_PAGE_BYTES
    assert answers[0].begin_page() == PAGE_BYTES
    answers[0].release()
