"""Every change of control state leaves the events that it has to leave, in its own transaction."""

from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from hub.grants.models import Grant
from hub.memory.models import MemoryEntry, MemoryNamespace
from hub.messages.models import Message
from hub.sessions.models import Session
from realms.audit import rules
from realms.audit.models import AuditEvent
from realms.models import ApiKey, ApiKeySecret, Invitation, Membership, Realm
from tests.audit import changes_by_agents, changes_by_members, changes_by_operators
from tests.audit.log import heads, said_since
from tests.audit.stage import Prepare, Stage
from tests.cases import cases
from tests.cast import OPERATOR, Agent, Answer

CHANGES = {**changes_by_agents.CHANGES, **changes_by_operators.CHANGES, **changes_by_members.CHANGES}

# Contract §7, as far as there are rules for it; `key.enabled` is the way back from `key.disabled`.
ACTIONS = {
    *(f"session.{what}" for what in ("registered", "deregistered", "expired")),
    *(f"grant.{what}" for what in ("requested", "approved", "denied", "revoked", "expired")),
    *(f"key.{what}" for what in ("issued", "rotated", "disabled", "enabled", "revoked")),
    *(f"realm.{what}" for what in ("created", "settings_changed", "suspended", "resumed")),
    *(f"realm.{what}" for what in ("handed_over", "exported", "deleted")),
    *(f"member.{what}" for what in ("invited", "invitation_withdrawn", "joined", "role_changed")),
    *(f"member.{what}" for what in ("removed", "left")),
    "token.issued",
    *(f"memory.{what}" for what in ("deleted", "namespace_deleted", "namespace_handed_over")),
}
CHANGED: tuple[type[models.Model], ...] = (
    Realm,
    ApiKey,
    ApiKeySecret,
    Session,
    Grant,
    Message,
    MemoryEntry,
    MemoryNamespace,
    Membership,
    Invitation,
    AuditEvent,
)

# A new realm has no chain yet that could be in the way.
IN_A_CHAIN = {name: change for name, change in CHANGES.items() if not name.startswith("realm.created")}

every_change = cases("prepare", CHANGES.values(), ids=CHANGES.keys())


class _TurnedBackError(Exception):
    """Something fails after the change, before its transaction commits."""


def _kept() -> list[Any]:
    """Return all that changes change, but for who was seen when."""
    return [
        [
            {name: value for name, value in row.items() if name not in ("last_seen", "last_used_at")}
            for row in model._default_manager.order_by("pk").values()
        ]
        for model in CHANGED
    ]


def test_there_is_a_change_for_every_action() -> None:
    assert {name.split()[0].rstrip(",") for name in CHANGES} == ACTIONS


@every_change
def test_a_change_leaves_exactly_its_events(stage: Stage, mallory: Agent, prepare: Prepare) -> None:
    change = prepare(stage.anew())
    before = heads()

    outcome = change.make()

    assert not isinstance(outcome, Answer) or outcome.status == 200, outcome
    assert said_since(before) == change.events(outcome)
    assert [*rules.verify(stage.realm.pk)] == []


@every_change
def test_a_change_that_is_turned_back_leaves_no_event(stage: Stage, prepare: Prepare) -> None:
    change = prepare(stage.anew())
    before = _kept()

    with pytest.raises(_TurnedBackError), transaction.atomic():
        change.make()
        assert _kept() != before
        raise _TurnedBackError

    assert _kept() == before


@cases("prepare", IN_A_CHAIN.values(), ids=IN_A_CHAIN.keys())
def test_a_change_whose_event_cannot_be_written_is_not_made(stage: Stage, prepare: Prepare) -> None:
    """The number that the next event needs is taken already, by an event beyond the head."""
    change = prepare(stage.anew())
    _occupy_the_next_number(stage.realm)
    before = _kept()

    try:
        outcome = change.make()
    except IntegrityError as error:
        assert "audit" in str(error)
    else:
        assert isinstance(outcome, Answer)
        assert outcome.code == "internal_error"

    assert _kept() == before


def _occupy_the_next_number(realm: Realm) -> None:
    last = AuditEvent.objects.in_realm(realm.pk).last()
    assert last is not None
    AuditEvent(realm=realm, number=last.number + 1, at=last.at, action="x", target="x", previous=b"").save()


@pytest.mark.django_db(transaction=True)
def test_an_event_cannot_be_written_outside_a_transaction(realm: Realm) -> None:
    with transaction.atomic():
        rules.append("realm.suspended", realm_id=realm.pk, by=OPERATOR, target=realm.pk)
    before = heads()

    with pytest.raises(AssertionError, match="with the change"):
        rules.append("realm.suspended", realm_id=realm.pk, by=OPERATOR, target=realm.pk)

    assert said_since(before) == []
