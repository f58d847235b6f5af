"""Changes of all kinds at the same moment: none blocks another for good, and the chain stays whole."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from hub.sessions.models import Session
from hub.sessions.rules import end_session
from realms.audit import rules
from realms.keys import GRACES, rotate_key, set_status
from realms.models import ApiKey, AuditEvent, Realm
from realms.owners import set_realm_status
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cast import OPERATOR, Agent, Answer, new_agent
from tests.grants.lives import REFERENCE, ask, asked, grant_in
from tests.memory.entries import written
from tests.rows import seen_ago

# SQLite's writers queue for the whole database; locks that could cross are PostgreSQL's.
pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROUNDS = 5


def _outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except Refusal as refusal:
        return refusal.code
    return "done"


def _rotate(key: ApiKey) -> str:
    return _outcome(partial(rotate_key, key=key, grace=GRACES["1h"], by=OPERATOR))


def _end(agent: Agent) -> str:
    session = Session.objects.get(pk=agent.id)
    return "done" if end_session(session, by=OPERATOR) else "session_not_found"


def _said(call: Callable[[], Answer]) -> str:
    """Return `done` or the code of the refusal that a request of an agent got."""
    answer = call()
    return "done" if answer.status == 200 else answer.code


def test_a_mix_in_one_realm_ends_in_its_outcomes(realm: Realm, key: str) -> None:
    issued = ApiKey.objects.get()
    for i in range(ROUNDS):
        names = ("ann", "ben", "cat", "dan")
        ann, ben, cat, dan = (new_agent(key, f"{name}{i}") for name in names)
        written(cat, f"c{i}.1", f"c{i}.2")
        pending, active = asked(ann, ben), grant_in("active", cat, dan)
        leaving = [asked(dan, ann), asked(ann, dan)]
        before = Counter(AuditEvent.objects.values_list("action", flat=True))

        left, ended, wished, approved, revoked, first, second, rotated, again = at_once(
            partial(_said, partial(ann.delete, f"sessions/{ann.id}")),
            partial(_end, dan),
            partial(_said, partial(ask, ben, cat)),
            partial(_said, partial(ben.post, f"grants/{pending}/approve")),
            partial(_said, partial(cat.delete, f"grants/{active}")),
            partial(_said, partial(cat.delete, f"memory/c{i}.1")),
            partial(_said, partial(cat.delete, f"memory/c{i}.2")),
            partial(_rotate, issued),
            partial(_rotate, issued),
        )

        assert (left, ended, wished, first, second) == ("done",) * 5
        # Ann's leaving may have ended the one, and Dan's the other.
        assert approved in ("done", "grant_not_pending")
        assert revoked in ("done", "grant_already_ended")
        rotations = ["done", "rotation_in_grace"] if i == 0 else ["rotation_in_grace"] * 2
        assert sorted([rotated, again]) == rotations
        assert Counter(AuditEvent.objects.values_list("action", flat=True)) - before == Counter(
            {
                "session.deregistered": 2,
                "grant.requested": 1,
                "grant.approved": int(approved == "done"),
                # The pending one, the active one and those two between Ann and Dan, each once.
                "grant.revoked": 2 + len(leaving),
                "memory.deleted": 2,
                "key.rotated": rotations.count("done"),
            }
        ), f"round {i}"
    assert [*rules.verify(realm.pk)] == []


def test_crossing_requests_of_long_unseen_sessions_with_an_idempotency_key(realm: Realm, key: str) -> None:
    """Each is noted as seen while the other waits for it."""
    for i in range(ROUNDS):
        ann, ben = new_agent(key, f"ann{i}"), new_agent(key, f"ben{i}")
        for agent in (ann, ben):
            seen_ago(agent, minutes=1)

        answers = at_once(
            *(
                partial(
                    asking.post,
                    "grants",
                    {"to": other.id, **REFERENCE},
                    headers={"Idempotency-Key": f"{asking.id}"},
                )
                for asking, other in ((ann, ben), (ben, ann))
            )
        )

        assert [answer.status for answer in answers] == [200, 200]
    assert [*rules.verify(realm.pk)] == []


def test_operators_and_agents_do_not_block_each_other(realm: Realm, key: str, charlie: Agent) -> None:
    other = ApiKey.objects.get(pk=Session.objects.get(pk=charlie.id).key_id)
    for i in range(ROUNDS):
        ann, ben = new_agent(key, f"ann{i}"), new_agent(key, f"ben{i}")
        written(ann, f"a{i}.1")
        grants = [asked(ann, ben, namespace=f"n{n}") for n in range(3)]
        status = ApiKey.Status.DISABLED if i % 2 == 0 else ApiKey.Status.ACTIVE

        outcomes = at_once(
            partial(_end, ann),
            partial(_end, ben),
            partial(_end, ben),
            partial(_outcome, partial(set_status, key=other, status=status, by=OPERATOR)),
            partial(
                _outcome,
                partial(set_realm_status, realm=realm, status=Realm.Status.ACTIVE, by=OPERATOR),
            ),
            *(partial(_said, partial(ben.post, f"grants/{grant}/deny")) for grant in grants),
        )

        assert sorted(outcomes[:3]) == ["done", "done", "session_not_found"]
        assert outcomes[3:5] == ["done", "done"]
        assert set(outcomes[5:]) <= {"done", "grant_not_pending", "session_not_owned"}
        ended = AuditEvent.objects.filter(action__in=["grant.denied", "grant.revoked"], target__in=grants)
        assert sorted(ended.values_list("target", flat=True)) == sorted(grants)
    assert [*rules.verify(realm.pk)] == []
