"""Equal requests with one Idempotency-Key at the same moment."""

from collections import Counter

import pytest
from django.db import connection

from hub.idempotency import rules as idempotency
from hub.messages.models import Message
from realms.refusal import Refusal
from tests.api.test_idempotency import NAME, POSTS, counts, with_key
from tests.at_once import at_once
from tests.cast import Agent, Answer, caller_of


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["send", "memory", "register"])
def test_a_hundred_at_once_are_one(alice: Agent, bob: Agent, what: str) -> None:
    agent, path, body = POSTS[what](alice, bob)
    before = counts()

    def post() -> Answer:
        return agent.post(path, body, headers=with_key())

    answers = at_once(*[post] * 20) + at_once(*[post] * 20) + at_once(*[post] * 60)

    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) <= {200, 409} and statuses[200] >= 61
    assert connection.vendor == "postgresql" or statuses[200] == 100, "on SQLite they wait for each other"
    granted = [answer.json for answer in answers if answer.status == 200]
    assert all(answer == granted[0] for answer in granted)
    assert sum("Idempotent-Replayed" not in a.headers for a in answers if a.status == 200) == 1
    for answer in answers:
        if answer.status == 409:
            assert (answer.code, answer.headers["Retry-After"]) == ("idempotency_in_progress", "1")
    made = {name: count - before[name] for name, count in counts().items()}
    assert (
        made
        == {
            "send": {**dict.fromkeys(made, 0), "Message": 1, "Delivery": 1},
            "memory": {**dict.fromkeys(made, 0), "MemoryEntry": 1},
            "register": {**dict.fromkeys(made, 0), "Session": 1, "AuditEvent": 1},
        }[what]
    )


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_whoever_comes_second_to_the_commit_changes_nothing(alice: Agent, bob: Agent) -> None:
    """The look-up and the lock are one statement, which may see the time before another's commit."""
    caller = caller_of(str(alice.key))
    attempt = idempotency.attempt_of(caller, NAME, "/api/v1/messages", b"{}")
    assert attempt is not None

    def answer() -> bytes:
        alice.send(bob)
        at_once(lambda: idempotency.keep(attempt, b"first"))
        return b"second"

    with pytest.raises(Refusal, match="idempotency_in_progress"):
        idempotency.once(attempt, answer, check_right=lambda: None)

    assert not Message.objects.exists()
    assert idempotency.once(attempt, answer, check_right=lambda: None) == (b"first", True)
