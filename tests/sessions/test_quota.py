"""How many sessions a realm may have."""

from collections import Counter

import pytest

from hub.sessions.models import Session
from realms.models import AuditEvent, Realm
from tests.at_once import at_once
from tests.cast import Agent, Answer
from tests.rows import seen_ago, set_realm


def register(agent: Agent, name: str) -> Answer:
    return agent.post("sessions", {"name": name, "kind": "service"})


def test_one_session_too_many_is_refused(realm: Realm, caller: Agent) -> None:
    set_realm(realm, max_sessions=2)
    assert [register(caller, name).status for name in ("a", "b")] == [200, 200]
    events = AuditEvent.objects.count()

    answer = register(caller, "c")

    assert (answer.status, answer.code) == (403, "quota_exceeded")
    assert "2 sessions" in answer.json["detail"]
    assert (Session.objects.count(), AuditEvent.objects.count()) == (2, events)


def test_a_session_that_left_makes_room(realm: Realm, caller: Agent) -> None:
    set_realm(realm, max_sessions=1)
    first = register(caller, "a").json["id"]
    assert register(caller, "b").status == 403

    caller.delete(f"sessions/{first}")

    assert register(caller, "b").status == 200


def test_inactive_sessions_count(realm: Realm, alice: Agent) -> None:
    set_realm(realm, max_sessions=1)
    seen_ago(alice, status=Session.Status.INACTIVE, days=1)

    assert register(alice, "b").code == "quota_exceeded"


def test_all_keys_of_a_realm_share_its_room_and_no_other_realm(
    realm: Realm, alice: Agent, charlie: Agent, mallory: Agent
) -> None:
    set_realm(realm, max_sessions=2)

    assert [register(agent, "x").status for agent in (charlie, mallory)] == [403, 200]


@pytest.mark.django_db(transaction=True)
def test_registrations_at_once_do_not_overdraw_it(realm: Realm, caller: Agent) -> None:
    set_realm(realm, max_sessions=3)

    answers = at_once(*[lambda name=f"agent-{i}": register(caller, name) for i in range(10)])

    assert Counter(answer.status for answer in answers) == {200: 3, 403: 7}
    assert Session.objects.count() == 3
