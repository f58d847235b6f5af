"""POST /grants."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from hub.grants.models import Grant
from hub.messages.models import Inbox, Message
from realms.models import Realm
from tests.cases import cases
from tests.cast import Agent
from tests.grants.lives import STATES, age, ask, asked, grant_in, in_an_hour, kept
from tests.memory.entries import written


def test_it_answers_as_the_reference_shows(alice: Agent, bob: Agent) -> None:
    answer = ask(alice, bob, expires_at=in_an_hour())

    assert answer.status == 200
    grant_id = answer.json.pop("grant_id")
    assert grant_id.startswith("grant_")
    assert answer.json == {"status": "pending", "to": bob.id, "capability": "memory.read"}
    assert alice.get(f"grants/{grant_id}").json["from"] == alice.id


def test_it_is_not_active_before_its_target_approves(alice: Agent, bob: Agent) -> None:
    written(bob, "project.name")

    grant_id = asked(alice, bob)

    assert alice.get("memory/project.name").status == 403
    bob.post(f"grants/{grant_id}/approve")
    assert alice.get("memory/project.name").status == 200


def test_the_targets_id_may_be_in_small_letters(alice: Agent, bob: Agent) -> None:
    assert ask(alice, bob, to=bob.id.lower()).json["to"] == bob.id


def test_without_an_expiry_it_ends_after_a_day(alice: Agent, bob: Agent) -> None:
    before = timezone.now()
    asked(alice, bob)

    ahead = Grant.objects.get().expires_at - before
    assert timedelta(hours=24) <= ahead < timedelta(hours=24, minutes=1)


def test_without_an_expiry_it_stays_within_the_realms_maximum(alice: Agent, bob: Agent) -> None:
    Realm.objects.update(grant_max_days=1)

    assert ask(alice, bob).status == 200


def test_an_expiry_may_have_any_offset(alice: Agent, bob: Agent) -> None:
    moment = (timezone.now() + timedelta(hours=4)).replace(microsecond=0)
    local = (moment + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00")

    grant_id = asked(alice, bob, expires_at=local)

    assert alice.get(f"grants/{grant_id}").json["expires_at"] == moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


@pytest.mark.parametrize(("days", "allowed"), [(89.99, True), (90.01, False)])
def test_an_expiry_is_at_most_90_days_ahead(alice: Agent, bob: Agent, days: float, allowed: bool) -> None:
    answer = ask(alice, bob, expires_at=in_an_hour(24 * days))

    assert answer.status == (200 if allowed else 400)
    assert Grant.objects.exists() == allowed
    if not allowed:
        assert answer.json["errors"][0]["pointer"] == "/expires_at"


def test_the_maximum_is_the_realms_own(alice: Agent, bob: Agent) -> None:
    assert ask(alice, bob, expires_at=in_an_hour(49), namespace="a").status == 200
    Realm.objects.update(grant_max_days=2)

    answer = ask(alice, bob, expires_at=in_an_hour(49), namespace="b")

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert "2 days" in answer.json["detail"]


@cases("namespace", ["*", "project", "project.*", "project.api", "project.api.*", "a-_9.B"])
def test_a_namespace_is_everything_a_key_or_a_subtree(alice: Agent, bob: Agent, namespace: str) -> None:
    grant_id = asked(alice, bob, namespace=namespace)

    assert alice.get(f"grants/{grant_id}").json["namespace"] == namespace


@cases(
    ("member", "value", "pointer"),
    [
        ("to", ..., "/to"),
        ("to", "sess_1", "/to"),
        ("to", "grant_01HX9J2N3PQRSTVWXYZ0123456", "/to"),
        ("to", None, "/to"),
        ("capability", ..., "/capability"),
        ("capability", "Memory.Read", "/capability"),
        ("capability", "memory.*", "/capability"),
        ("capability", 1, "/capability"),
        ("namespace", "", "/namespace"),
        ("namespace", "project.", "/namespace"),
        ("namespace", ".*", "/namespace"),
        ("namespace", "**", "/namespace"),
        ("namespace", "*.name", "/namespace"),
        ("namespace", "project.*.name", "/namespace"),
        ("namespace", "project*", "/namespace"),
        ("namespace", "project.*\n", "/namespace"),
        ("namespace", "a" * 258, "/namespace"),
        ("namespace", ["project.*"], "/namespace"),
        ("expires_at", "2026-04-07T00:00:00", "/expires_at"),
        ("expires_at", "2026-04-07", "/expires_at"),
        ("expires_at", "2020-04-07T00:00:00Z", "/expires_at"),
        ("expires_at", "9999-12-31T23:59:59Z", "/expires_at"),
        ("expires_at", 1_900_000_000, "/expires_at"),
        ("reason", "x" * 1001, "/reason"),
        ("reason", 1, "/reason"),
        ("resaon", "x", "/resaon"),
    ],
)
def test_bad_input_is_refused_where_it_is(
    alice: Agent, bob: Agent, member: str, value: Any, pointer: str
) -> None:
    answer = ask(alice, bob, **{member: value})

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == pointer
    assert not Grant.objects.exists()
    assert not Message.objects.exists()
    assert ask(alice, bob).status == 200


def test_a_reason_has_up_to_a_thousand_characters(alice: Agent, bob: Agent) -> None:
    asked(alice, bob, reason="😀" * 1000)

    assert bob.inbox()[0]["payload"]["reason"] == "😀" * 1000


def test_nobody_asks_itself(alice: Agent) -> None:
    answer = ask(alice, alice)

    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/to")
    assert not Grant.objects.exists()


@pytest.mark.parametrize("capability", ["memory.read", "memory.write", "memory.delete"])
def test_memory_can_be_asked_of_anybody(alice: Agent, charlie: Agent, capability: str) -> None:
    assert ask(alice, charlie, capability=capability).status == 200


@pytest.mark.parametrize("namespace", [..., None])
def test_a_memory_grant_needs_a_namespace(alice: Agent, bob: Agent, namespace: Any) -> None:
    answer = ask(alice, bob, namespace=namespace)

    assert (answer.status, answer.code) == (400, "invalid_namespace")
    assert answer.json["errors"][0]["pointer"] == "/namespace"
    assert not Grant.objects.exists()


def test_another_capability_has_to_be_declared_by_the_target(
    alice: Agent, bob: Agent, charlie: Agent
) -> None:
    answer = ask(alice, charlie, capability="delegate.receive", namespace=...)

    assert (answer.status, answer.code) == (400, "invalid_capability")
    assert answer.json["errors"][0]["pointer"] == "/capability"
    assert not Grant.objects.exists()
    assert ask(alice, bob, capability="delegate.receive", namespace=...).status == 200


def test_another_capability_takes_no_namespace(alice: Agent, bob: Agent) -> None:
    answer = ask(alice, bob, capability="delegate.receive", namespace="*")

    assert (answer.status, answer.code) == (400, "invalid_namespace")
    assert not Grant.objects.exists()


@cases("namespace", ["c", "c.name", "c.*", "c.none.*"])
def test_what_belongs_to_a_third_session_cannot_be_asked_for(
    alice: Agent, bob: Agent, charlie: Agent, namespace: str
) -> None:
    written(charlie, "c.name")

    answer = ask(alice, bob, namespace=namespace)

    assert (answer.status, answer.code) == (400, "invalid_namespace")
    assert answer.json["errors"][0]["pointer"] == "/namespace"
    assert not Grant.objects.exists()
    assert ask(alice, charlie, namespace=namespace).status == 200


def test_what_nobody_or_one_of_the_two_owns_can_be_asked_for(
    alice: Agent, bob: Agent, charlie: Agent
) -> None:
    written(alice, "a.name")
    written(bob, "b.name")
    written(charlie, "c.name")

    for namespace in ("a.*", "b.*", "C.*", "cc.*", "*"):
        assert ask(alice, bob, namespace=namespace).status == 200


def test_what_another_realms_session_owns_is_not_in_the_way(alice: Agent, bob: Agent, mallory: Agent) -> None:
    written(mallory, "project.name")

    assert ask(alice, bob).status == 200


@cases("different", [{}, {"reason": "again"}, {"reason": ...}, {"expires_at": "in an hour"}])
def test_the_same_request_still_pending_is_refused(
    alice: Agent, bob: Agent, different: dict[str, Any]
) -> None:
    asked(alice, bob)
    before = kept()
    if "expires_at" in different:
        different = {"expires_at": in_an_hour()}

    answer = ask(alice, bob, **different)

    assert (answer.status, answer.code) == (409, "grant_already_pending")
    assert kept() == before


def test_a_request_for_something_else_is_another(alice: Agent, bob: Agent, charlie: Agent) -> None:
    asked(alice, bob)

    assert ask(alice, bob, namespace="project.name").status == 200
    assert ask(alice, bob, capability="memory.write").status == 200
    assert ask(alice, charlie).status == 200
    assert ask(bob, alice).status == 200
    assert ask(charlie, bob).status == 200


@cases("state", [state for state in STATES if state != "pending"])
def test_a_request_that_is_pending_no_more_can_be_made_again(alice: Agent, bob: Agent, state: str) -> None:
    first = grant_in(state, alice, bob)

    second = asked(alice, bob)

    assert second != first
    assert alice.get(f"grants/{second}").json["status"] == "pending"


def test_an_overdue_request_in_the_way_is_ended_with_its_notices(alice: Agent, bob: Agent) -> None:
    first = grant_in("overdue pending", alice, bob)

    second = asked(alice, bob)

    assert [(m["from"], m["payload"]["event"], m["payload"]["grant_id"]) for m in bob.inbox()] == [
        ("hub", "expired", first),
        (alice.id, "requested", second),
    ]
    assert [m["payload"]["event"] for m in alice.inbox()] == ["expired"]


def test_an_overdue_request_is_not_ended_by_one_that_is_refused(alice: Agent, bob: Agent) -> None:
    first = asked(alice, bob)
    age(first)
    before = kept()

    assert ask(alice, bob, expires_at="2020-01-01T00:00:00Z").status == 400

    assert kept() == before


def test_a_full_inbox_takes_no_request(alice: Agent, bob: Agent) -> None:
    Realm.objects.update(inbox_limit=1)
    asked(alice, bob)
    before = kept()

    answer = ask(alice, bob, namespace="other.*")

    assert (answer.status, answer.code) == (429, "inbox_full")
    assert int(answer.headers["Retry-After"]) > 0
    assert kept() == before
    bob.inbox()
    assert ask(alice, bob, namespace="other.*").status == 200


def test_an_unknown_target_is_not_found(alice: Agent, bob: Agent) -> None:
    answer = ask(alice, bob, to="sess_01HX9J2N3PQRSTVWXYZ0123456")

    assert (answer.status, answer.code) == (404, "session_not_found")
    assert answer.json["errors"][0]["pointer"] == "/to"
    assert not Grant.objects.exists()


def test_a_session_that_left_is_not_found(alice: Agent, bob: Agent) -> None:
    assert alice.delete(f"sessions/{bob.id}").status == 200

    assert ask(alice, bob).code == "session_not_found"
    assert not Grant.objects.exists()


def test_a_session_of_another_realm_is_like_an_unknown_one(alice: Agent, mallory: Agent) -> None:
    unknown_id = "sess_01HX9J2N3PQRSTVWXYZ0123456"

    theirs, unknown = ask(alice, mallory), ask(alice, mallory, to=unknown_id)

    assert theirs.status == 404
    same = str(unknown.json | {"request_id": ""}).replace(unknown_id, mallory.id)
    assert str(theirs.json | {"request_id": ""}) == same
    assert not Grant.objects.exists()
    assert not Inbox.objects.exclude(unread=0).exists()
