"""How to write a test here. Read it from top to bottom; every test in it runs with all others.

The file follows one story: alice delegates a task to bob, which bob has to allow first. A file of tests is
usually about one verb (`tests/grants/test_approve.py`), and a test is named for what the hub does.

To look at next: `tests/cast.py` (who is who), `tests/rows.py` (rows that grow old), `tests/isolation/`
(every operation against every kind of caller), `tests/model/` (random agents against a model of the hub).
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from time_machine import TimeMachineFixture

from hub.grants.models import Grant
from hub.messages.inbox import lock_inboxes
from hub.sessions.models import Session
from hub.tokens.verifier import LEEWAY
from realms.models import Realm
from tests.at_once import at_once
from tests.cases import cases
from tests.cast import Agent, new_agent
from tests.grants.lives import age
from tests.isolation.snapshot import changes, snapshot
from tests.live.client import WireAgent

NOW = datetime.fromisoformat("2026-04-06T09:00:00Z")
NOBODY = "sess_01HX9J2N3PQRSTVWXYZ0123456"


# 1. The cast. A test names whom it needs, and pytest makes them: Alice's realm with the agents alice, bob
# (with the same key) and charlie (with another), and mallory, who belongs to another realm. They call the
# hub as their programs would, through everything that a request passes; each answer is also checked against
# the published schema.


def test_a_delegated_task_comes_back_with_its_result(alice: Agent, bob: Agent) -> None:
    bob.grant(alice, "delegate.receive")

    task = alice.send(bob, "delegate", payload={"task": "summarize"}).json["message_id"]
    [received] = bob.inbox()
    bob.send(alice, "result", reply_to=task, payload={"summary": "short"})

    assert (received["id"], received["payload"]) == (task, {"task": "summarize"})
    [result] = alice.inbox()
    assert (result["reply_to"], result["payload"]) == (task, {"summary": "short"})


# 2. A refusal. The test shows that nothing changed, by comparing all rows before and after. It also shows
# that its input was otherwise good: the same request succeeds as soon as the one thing that was missing is
# there. Without that, a misspelt member would make the test pass for ever.


def test_without_a_grant_a_task_is_refused_and_nothing_changes(alice: Agent, bob: Agent) -> None:
    before = snapshot()

    answer = alice.send(bob, "delegate")

    assert (answer.status, answer.code) == (403, "grant_required")
    assert changes(before, snapshot()) == []
    bob.grant(alice, "delegate.receive")
    assert alice.send(bob, "delegate").status == 200


# 3. Another realm. What mallory may not see answers her exactly as what does not exist: compare the two
# answers.


def test_an_agent_of_another_realm_is_unknown(alice: Agent, mallory: Agent) -> None:
    hers = {"from": mallory.id, "aisp": "0.1", "category": "delegate", "payload": {}}

    theirs, nobodys = (mallory.post("messages", {**hers, "to": to}) for to in (alice.id, NOBODY))

    assert theirs.status == nobodys.status == 404
    for answer in (theirs, nobodys):
        del answer.json["request_id"]
    assert str(theirs.json).replace(alice.id, NOBODY) == str(nobodys.json)


# 4. Many cases. `cases` runs a test for every row of a table on one cast, undoes what a row wrote, and
# names the rows that fail. Use `pytest.mark.parametrize` only where each row needs a database or a clock of
# its own.


@cases(
    ("member", "value", "pointer"),
    [
        ("aisp", "9.9", "/aisp"),
        ("payload", [], "/payload"),
        ("reply_to", NOBODY, "/reply_to"),
        ("capability", "Not Dotted", "/capability"),
        ("expires_at", "2026-04-06T09:00:00", "/expires_at"),
    ],
)
def test_a_bad_member_is_named_and_nothing_is_sent(
    alice: Agent, bob: Agent, member: str, value: Any, pointer: str
) -> None:
    bob.grant(alice, "delegate.receive")
    before = snapshot()

    answer = alice.send(bob, "delegate", **{member: value})

    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, pointer)
    assert changes(before, snapshot()) == []
    assert alice.send(bob, "delegate").status == 200


# 5. Time. No test sleeps. Where Python asks for the time, the clock stands still and the test moves it.
# If the database compares times, the test makes rows older (`tests/rows.py`, and `age` for grants).


def test_a_token_ends_with_its_time(time_machine: TimeMachineFixture, alice: Agent, bob: Agent) -> None:
    time_machine.move_to(NOW, tick=False)
    token = alice.post(f"sessions/{alice.id}/token", {"ttl_seconds": 60}).json["token"]
    bearer = Agent(None, alice.session, token=token)

    end = NOW + timedelta(seconds=60) + LEEWAY
    time_machine.move_to(end - timedelta(microseconds=1), tick=False)
    assert bearer.send(bob).status == 200

    time_machine.move_to(end, tick=False)
    assert bearer.send(bob).status == 401


def test_a_grant_is_void_when_its_time_is_over(alice: Agent, bob: Agent) -> None:
    grant_id = bob.grant(alice, "delegate.receive")
    assert alice.send(bob, "delegate").status == 200

    age(grant_id)

    assert alice.send(bob, "delegate").code == "grant_required"
    assert Grant.objects.get().status == Grant.Status.ACTIVE, "no worker had to run for that"


# 6. Two callers at once. Threads have connections of their own and see only what was committed, so such a
# test says `transaction=True`: its writes are committed and deleted afterwards. `at_once` lets the calls
# begin at the same moment. Their order is open, so the test asserts what holds in every order.


@pytest.mark.django_db(transaction=True)
def test_a_task_is_sent_under_a_grant_or_refused_when_it_is_revoked_meanwhile(
    alice: Agent, bob: Agent
) -> None:
    grant_id = bob.grant(alice, "delegate.receive")

    revoked, *sent = at_once(
        partial(bob.delete, f"grants/{grant_id}"), *[partial(alice.send, bob, "delegate")] * 3
    )

    assert revoked.status == 200
    assert {answer.status for answer in sent} <= {200, 403}
    arrived = [message["id"] for message in bob.inbox("?category=delegate")]
    assert sorted(arrived) == sorted(answer.json["message_id"] for answer in sent if answer.status == 200)
    assert alice.send(bob, "delegate").code == "grant_required"


# 7. A real server. `server` is the URL of a hub that runs in a thread of this process, on the database of
# the tests, and starts once for all of them. It is for what only a socket shows: streams, pings, how a
# connection ends. `WireAgent` acts as an agent of the cast over HTTP. `tests/live/conftest.py` makes alice
# and bob so from the start.


@pytest.mark.django_db(transaction=True)
def test_a_task_arrives_on_the_stream_that_is_open(server: str, alice: Agent, bob: Agent) -> None:
    bob.grant(alice, "delegate.receive")

    with WireAgent(server, alice) as sender, WireAgent(server, bob) as receiver, receiver.stream() as stream:
        sent = sender.send(bob.id, "delegate")

        assert stream.next().data["id"] == sent


# 8. Both databases. `make test` runs this file on PostgreSQL and Redis, and CI on SQLite too. What must
# hold on both needs nothing; a test that only one of them can show has a marker (`postgres`, `sqlite`,
# `redis`) that skips it elsewhere. Two more markers say when a test runs: `deployment` and `tools`
# (pyproject.toml explains all five).


def test_the_database_itself_keeps_names_of_live_sessions_unique(alice: Agent, realm: Realm) -> None:
    assert alice.session is not None
    twin = Session(realm=realm, key_id=alice.session.key_id, name="ALICE", kind="service")

    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)

    twin.name = "carol"
    twin.save(force_insert=True)


@pytest.mark.postgres  # SQLite has one writer, so there every send waits
@pytest.mark.django_db(transaction=True)
def test_who_waits_for_one_inbox_does_not_hold_up_another(key: str, alice: Agent, bob: Agent) -> None:
    carol = new_agent(key, "carol")
    assert bob.session is not None

    with transaction.atomic():
        assert lock_inboxes(bob.session.realm_id, [bob.id])
        [to_carol] = at_once(partial(alice.send, carol))

    assert to_carol.status == 200
    assert alice.send(bob).status == 200
