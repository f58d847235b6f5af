"""Idempotency-Key: a POST that is sent again is done once and answered alike."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from hub.grants.models import Grant
from hub.idempotency import rules as idempotency
from hub.idempotency.models import IdempotencyRecord
from hub.idempotency.rules import KEPT, RUNNING
from hub.memory.models import MemoryEntry
from hub.messages.models import Delivery, Message
from hub.sessions.models import Session
from hub.tasks import sweep_idempotency_records
from realms.models import AuditEvent, Realm
from tests.cases import cases
from tests.cast import Agent, Answer, new_agent, new_key
from tests.tokens.signing import Signer

NAME = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def with_key(name: str = NAME) -> dict[str, str]:
    return {"Idempotency-Key": name}


def envelope(sender: Agent, to: Agent) -> dict[str, Any]:
    return {"aisp": "0.1", "from": sender.id, "to": to.id, "category": "message", "payload": {"n": 1}}


def counts() -> dict[str, int]:
    """Return how many rows there are of all that a POST makes."""
    models: list[Any] = [Session, Message, Delivery, MemoryEntry, Grant, AuditEvent]
    return {model.__name__: model._default_manager.count() for model in models}


def asked(alice: Agent, bob: Agent, capability: str = "memory.read") -> str:
    """Have alice ask bob for a grant."""
    wish = {"to": bob.id, "capability": capability, "namespace": "*"}
    return str(alice.post("grants", wish).json["grant_id"])


def a_message(alice: Agent, bob: Agent) -> str:
    return str(alice.send(bob).json["message_id"])


Prepared = tuple[Agent, str, Any]
BOBS = {"entries": [{"key": "bobs.a", "value": 1}]}

POSTS: dict[str, Callable[[Agent, Agent], Prepared]] = {
    "register": lambda alice, bob: (alice, "sessions", {"name": "third", "kind": "service"}),
    "token": lambda alice, bob: (alice, f"sessions/{alice.id}/token", {"ttl_seconds": 60}),
    "token without a body": lambda alice, bob: (alice, f"sessions/{alice.id}/token", None),
    "send": lambda alice, bob: (alice, "messages", envelope(alice, bob)),
    "ack": lambda alice, bob: (bob, "messages/ack", {"ids": [a_message(alice, bob)]}),
    "memory": lambda alice, bob: (alice, "memory", {"entries": [{"key": "a.b", "value": 1}]}),
    "grant": lambda alice, bob: (
        alice,
        "grants",
        {"to": bob.id, "capability": "memory.read", "namespace": "*"},
    ),
    "approve": lambda alice, bob: (bob, f"grants/{asked(alice, bob)}/approve", None),
    "deny": lambda alice, bob: (bob, f"grants/{asked(alice, bob)}/deny", {}),
}


@cases("prepare", POSTS.values(), ids=POSTS.keys())
def test_every_post_is_done_once_and_answered_alike(
    alice: Agent, bob: Agent, prepare: Callable[[Agent, Agent], Prepared]
) -> None:
    agent, path, body = prepare(alice, bob)
    before = counts()

    first = agent.post(path, body, headers=with_key())
    after = counts()
    again = [agent.post(path, body, headers=with_key()) for _ in range(2)]

    assert first.status == 200, first.json
    assert after != before or path == "messages/ack"
    assert counts() == after
    assert "Idempotent-Replayed" not in first.headers
    for answer in again:
        assert (answer.status, answer.json) == (200, first.json)
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert answer.headers["X-Request-ID"] != first.headers["X-Request-ID"]


def test_without_the_header_a_post_is_done_each_time(alice: Agent, bob: Agent) -> None:
    for _ in range(2):
        assert alice.send(bob).status == 200

    assert Message.objects.count() == 2
    assert not IdempotencyRecord.objects.exists()


@cases("change", ["body", "spelling", "path"])
def test_the_same_key_for_another_request_is_refused(
    alice: Agent, bob: Agent, change: str, caller: Agent
) -> None:
    body = {"entries": [{"key": "a.b", "value": 1}]}
    assert alice.post("memory", body, headers=with_key()).status == 200
    path = "memory"
    if change == "body":
        body = {"entries": [{"key": "a.b", "value": 2}]}
    elif change == "spelling":
        body = {"entries": [{"value": 1, "key": "a.b"}]}
    else:
        path, body = "messages", envelope(alice, bob)
    before = counts()

    answer = alice.post(path, body, headers=with_key())

    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert counts() == before
    assert alice.post(path, body, headers=with_key("another")).status == 200


def test_the_same_path_of_another_thing_is_another_request(alice: Agent, bob: Agent) -> None:
    grants = [asked(alice, bob), asked(alice, bob, "memory.write")]

    answers = [bob.post(f"grants/{grant}/approve", None, headers=with_key()) for grant in grants]

    assert [answer.status for answer in answers] == [200, 422]


def test_what_was_refused_can_be_sent_again(alice: Agent, bob: Agent, charlie: Agent) -> None:
    wrong = {**envelope(alice, bob), "to": [bob.id, "sess_01HX9J2N3PQRSTVWXYZ0123456"]}
    assert alice.post("messages", wrong, headers=with_key()).status == 404

    answer = alice.post("messages", envelope(alice, bob), headers=with_key())

    assert (answer.status, "Idempotent-Replayed" in answer.headers) == (200, False)
    assert IdempotencyRecord.objects.count() == 1


@cases("name", [" ", "a b", "ä", "x" * 256, "a\tb", "\x7f"])
def test_what_is_no_key_is_refused(alice: Agent, bob: Agent, name: str) -> None:
    for good in ("x", "x" * 255, "!~"):
        assert alice.post("messages", envelope(alice, bob), headers=with_key(good)).status == 200

    answer = alice.post("messages", envelope(alice, bob), headers=with_key(name))

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/Idempotency-Key"
    assert Message.objects.count() == 3


def test_other_methods_ignore_it(alice: Agent) -> None:
    for _ in range(2):
        answer = alice.get("sessions", headers=with_key("not a key"))
        assert (answer.status, "Idempotent-Replayed" in answer.headers) == (200, False)
    assert alice.delete(f"sessions/{alice.id}", headers=with_key()).status == 200
    assert not IdempotencyRecord.objects.exists()


def test_each_api_key_has_keys_of_its_own(alice: Agent, charlie: Agent, mallory: Agent) -> None:
    answers = [
        agent.post("memory", {"entries": [{"key": agent.id, "value": 1}]}, headers=with_key())
        for agent in (alice, charlie, mallory)
    ]

    assert [answer.status for answer in answers] == [200] * 3
    assert not any("Idempotent-Replayed" in answer.headers for answer in answers)


def test_a_name_is_one_callers_own(realm: Realm) -> None:
    """The key with one session, the key with another, and the tokens of a session are three callers."""
    key = new_key(realm)[1]
    signer, sibling = Signer(key, "sam"), Signer(key, "tom")
    callers = [signer.agent, sibling.agent, signer.bearer(), sibling.bearer()]

    answers = []
    for number, caller in enumerate(callers):
        body = {"entries": [{"key": f"own{number}", "value": 1}]}
        answers.append(caller.post("memory", body, headers=with_key()))

    assert [answer.status for answer in answers] == [200] * 4
    assert not any("Idempotent-Replayed" in answer.headers for answer in answers)
    again = signer.bearer().post("memory", {"entries": [{"key": "own2", "value": 1}]}, headers=with_key())
    assert again.headers["Idempotent-Replayed"] == "true", "another token of the session is the same caller"


def test_the_sender_of_a_message_is_the_session_that_the_key_names(alice: Agent, bob: Agent) -> None:
    answers = [
        Agent(agent.key).post("messages", envelope(agent, bob), headers=with_key()) for agent in (alice, bob)
    ]

    assert [answer.status for answer in answers] == [200, 200]
    assert Message.objects.count() == 2


def test_no_token_gets_the_token_that_its_key_was_issued_for_another_session(realm: Realm) -> None:
    key = new_key(realm)[1]
    other, named = Signer(key, "other"), Signer(key, "named")
    path = f"sessions/{other.agent.id}/token"
    issued = named.agent.post(path, {}, headers=with_key())
    assert (issued.status, other.agent.id != named.agent.id) == (200, True)

    assert named.bearer().post(path, {}, headers=with_key()).code == "session_not_owned"


Loses = Callable[[Agent, Agent], Any]


def _leave(alice: Agent, bob: Agent) -> None:
    assert alice.delete(f"sessions/{alice.id}").status == 200


def _be_revoked(alice: Agent, bob: Agent) -> None:
    assert bob.delete(f"grants/{Grant.objects.get().pk}").status == 200


@cases(
    ("prepare", "lose", "code"),
    [
        (POSTS["token"], _leave, "session_not_found"),
        (POSTS["send"], _leave, "session_not_owned"),
        (POSTS["memory"], _leave, "session_not_owned"),
        (POSTS["grant"], _leave, "session_not_owned"),
        (lambda alice, bob: (alice, "memory", BOBS), _be_revoked, "grant_required"),
    ],
    ids=["token", "send", "memory", "grant", "another's memory"],
)
def test_a_kept_answer_is_for_who_may_still_do_it(
    alice: Agent, bob: Agent, prepare: Callable[[Agent, Agent], Prepared], lose: Loses, code: str
) -> None:
    if lose is _be_revoked:
        assert bob.post("memory", BOBS).status == 200
        bob.grant(alice, "memory.write", "bobs.*")
    agent, path, body = prepare(alice, bob)
    assert agent.post(path, body, headers=with_key()).status == 200

    lose(alice, bob)

    assert agent.post(path, body, headers=with_key()).code == code


def test_an_answer_is_kept_for_a_day(alice: Agent, bob: Agent) -> None:
    def send() -> Answer:
        return alice.post("messages", envelope(alice, bob), headers=with_key())

    def age(by: timedelta) -> None:
        IdempotencyRecord.objects.update(created_at=F("created_at") - by)

    first = send()
    age(KEPT - timedelta(minutes=1))
    assert send().json == first.json

    age(timedelta(minutes=1))
    assert send().json != first.json
    assert IdempotencyRecord.objects.count() == 1


def test_old_records_are_swept(alice: Agent, bob: Agent) -> None:
    alice.post("messages", envelope(alice, bob), headers=with_key("old"))
    IdempotencyRecord.objects.update(created_at=F("created_at") - KEPT)
    alice.post("messages", envelope(alice, bob), headers=with_key("new"))

    sweep_idempotency_records()

    assert IdempotencyRecord.objects.get().created_at > timezone.now() - KEPT


def test_no_answer_is_kept_in_clear(alice: Agent, bob: Agent) -> None:
    answer = alice.post(f"sessions/{alice.id}/token", {}, headers=with_key())

    record = IdempotencyRecord.objects.get()
    assert record.sealed_answer is not None
    assert answer.json["token"] not in record.sealed_answer and alice.id not in record.sealed_answer


def test_an_answer_under_a_lost_secret_key_is_refused(alice: Agent, bob: Agent, settings: Settings) -> None:
    alice.post("messages", envelope(alice, bob), headers=with_key())
    settings.SECRET_KEY = "another"

    assert alice.post("messages", envelope(alice, bob), headers=with_key()).status == 422
    settings.SECRET_KEY_FALLBACKS = ["tests-only"]
    assert alice.post("messages", envelope(alice, bob), headers=with_key()).status == 200


def test_what_fails_half_way_leaves_nothing(alice: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record commits with the change, or neither does."""
    body = {"entries": [{"key": "a.b", "value": 1}]}

    def broken(*_: object) -> None:
        raise RuntimeError("the process dies")

    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "keep", broken)
        assert alice.post("memory", body, headers=with_key()).status == 500
    assert not MemoryEntry.objects.exists() and not IdempotencyRecord.objects.exists()

    assert alice.post("memory", body, headers=with_key()).status == 200
    assert (MemoryEntry.objects.count(), IdempotencyRecord.objects.count()) == (1, 1)


def test_a_running_request_is_not_run_twice(alice: Agent, bob: Agent) -> None:
    """As a ping leaves it while it waits for its pong; what a process that died left is run again."""
    assert alice.post("messages", envelope(alice, bob), headers=with_key()).status == 200
    IdempotencyRecord.objects.update(sealed_answer=None)

    answer = alice.post("messages", envelope(alice, bob), headers=with_key())
    assert (answer.status, answer.code) == (409, "idempotency_in_progress")

    IdempotencyRecord.objects.update(created_at=F("created_at") - RUNNING)
    assert alice.post("messages", envelope(alice, bob), headers=with_key()).status == 200
    assert Message.objects.count() == 2


def test_a_session_registered_since_is_another_caller(key: str, alice: Agent) -> None:
    body = {"entries": [{"key": "a", "value": 1}]}
    alice.post("memory", body, headers=with_key())
    alice.delete(f"sessions/{alice.id}")
    heir = new_agent(key, "alice")

    answer = heir.post("memory", body, headers=with_key())

    assert (answer.status, "Idempotent-Replayed" in answer.headers) == (200, False)


def test_an_answer_is_repeated_though_the_request_would_be_refused_by_now(alice: Agent, bob: Agent) -> None:
    later = timezone.now() + timedelta(hours=1)
    body = {**envelope(alice, bob), "expires_at": later.isoformat()}
    first = alice.post("messages", body, headers=with_key())

    with time_machine.travel(later + timedelta(hours=1)):
        again = alice.post("messages", body, headers=with_key())
        new = alice.post("messages", body, headers=with_key("another"))

    assert (again.status, again.json) == (200, first.json)
    assert new.status == 400
