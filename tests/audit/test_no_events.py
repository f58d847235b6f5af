"""What is refused, changes nothing or is no change of control state leaves no event."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hub.grants.models import Grant
from hub.grants.rules import expire_grants
from hub.sessions.models import Session
from hub.sessions.rules import sweep_sessions
from realms.keys import rotate_key, set_status
from realms.models import ApiKey, Realm
from realms.owners import change_settings, set_realm_status
from realms.refusal import Refusal
from tests.admin.pages import path_of
from tests.audit.log import heads, said_since
from tests.audit.stage import Stage
from tests.cases import cases
from tests.cast import OPERATOR, Agent, Answer
from tests.grants.lives import REFERENCE, ask, asked, grant_in
from tests.memory.entries import write, written
from tests.rows import seen_ago, set_realm

Act = Callable[[], Any]
Prepare = Callable[[Stage, Agent], Act]


def _key_in(status: ApiKey.Status, to: ApiKey.Status) -> Prepare:
    def prepare(stage: Stage, _: Agent) -> Act:
        set_status(key=stage.key, status=status, by=OPERATOR)
        return lambda: set_status(key=stage.key, status=to, by=OPERATOR)

    return prepare


def _second_rotation(stage: Stage, _: Agent) -> Act:
    rotate_key(key=stage.key, grace=timedelta(hours=1), by=OPERATOR)
    return lambda: rotate_key(key=stage.key, grace=timedelta(hours=1), by=OPERATOR)


def _request_over_an_overdue_one_into_a_full_inbox(stage: Stage, _: Agent) -> Act:
    """The overdue request is not ended either: that rolls back with the refusal."""
    grant_in("overdue pending", stage.alice, stage.bob)
    stage.alice.send(stage.bob)
    set_realm(stage.realm, inbox_limit=1)
    return lambda: ask(stage.alice, stage.bob)


def _decided(action: str) -> Prepare:
    def prepare(stage: Stage, _: Agent) -> Act:
        grant = grant_in("active", stage.alice, stage.bob)
        return lambda: stage.bob.post(f"grants/{grant}/{action}")

    return prepare


def _ended(stage: Stage, _: Agent) -> Act:
    grant = grant_in("revoked", stage.alice, stage.bob)
    return lambda: stage.bob.delete(f"grants/{grant}")


def _wider(stage: Stage, _: Agent) -> Act:
    grant = asked(stage.alice, stage.bob)
    return lambda: stage.bob.post(f"grants/{grant}/approve", {"namespace": "*"})


def _by_the_wrong_session(stage: Stage, _: Agent) -> Act:
    grant = asked(stage.alice, stage.bob)
    return lambda: stage.alice.post(f"grants/{grant}/approve")


def _second_request(stage: Stage, _: Agent) -> Act:
    asked(stage.alice, stage.bob)
    return lambda: ask(stage.alice, stage.bob)


def _left_before(stage: Stage, _: Agent) -> Act:
    stage.bob.delete(f"sessions/{stage.bob.id}")
    return lambda: stage.bob.delete(f"sessions/{stage.bob.id}")


def _full_realm(stage: Stage, _: Agent) -> Act:
    set_realm(stage.realm, max_sessions=3)
    return lambda: stage.holder.post("sessions", {"name": "dora", "kind": "executor"})


def _memory_without_a_grant(stage: Stage, _: Agent) -> Act:
    written(stage.bob, "project.name")
    return lambda: stage.alice.delete("memory/project.name")


REFUSED: dict[str, tuple[str, Prepare]] = {
    "a name that is taken": (
        "session_name_taken",
        lambda stage, _: lambda: stage.holder.post("sessions", {"name": "Bob", "kind": "executor"}),
    ),
    "a session too many": ("quota_exceeded", _full_realm),
    "a registration with a token": (
        "api_key_required",
        lambda stage, _: lambda: stage.signer.bearer().post("sessions", {"name": "d", "kind": "executor"}),
    ),
    "deregistering another key's session": (
        "session_not_owned",
        lambda stage, stranger: lambda: stranger.delete(f"sessions/{stage.bob.id}"),
    ),
    "deregistering a sibling with a token": (
        "session_not_owned",
        lambda stage, _: lambda: stage.signer.bearer().delete(f"sessions/{stage.bob.id}"),
    ),
    "deregistering twice": ("session_not_found", _left_before),
    "asking twice": ("grant_already_pending", _second_request),
    "asking for an undeclared capability": (
        "invalid_capability",
        lambda stage, _: lambda: ask(stage.alice, stage.bob, capability="x.y", namespace=...),
    ),
    "asking a full inbox": ("inbox_full", _request_over_an_overdue_one_into_a_full_inbox),
    "approving twice": ("grant_not_pending", _decided("approve")),
    "denying what is active": ("grant_not_pending", _decided("deny")),
    "approving more than was asked": ("invalid_namespace", _wider),
    "approving one's own request": ("grant_not_yours", _by_the_wrong_session),
    "revoking what has ended": ("grant_already_ended", _ended),
    "a token for another key's session": (
        "session_not_owned",
        lambda stage, stranger: lambda: stranger.post(f"sessions/{stage.bob.id}/token"),
    ),
    "a token with more scopes": (
        "scope_missing",
        lambda stage, _: (
            lambda: stage.signer.bearer(scope="write").post(
                f"sessions/{stage.signer.id}/token", {"scopes": ["read"]}
            )
        ),
    ),
    "deleting without a grant": ("grant_required", _memory_without_a_grant),
    "deleting what is not there": (
        "memory_key_not_found",
        lambda stage, _: lambda: stage.alice.delete("memory/project.name"),
    ),
    "a second rotation in the grace": ("rotation_in_grace", _second_rotation),
    "revoking a revoked key": ("key_revoked", _key_in(ApiKey.Status.REVOKED, ApiKey.Status.REVOKED)),
    "enabling a revoked key": ("key_revoked", _key_in(ApiKey.Status.REVOKED, ApiKey.Status.ACTIVE)),
}


@cases(("code", "prepare"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_leaves_none(stage: Stage, charlie: Agent, code: str, prepare: Prepare) -> None:
    """That the same is logged where it is allowed is what `test_events` shows."""
    act = prepare(stage, charlie)
    before = heads()

    try:
        answer = act()
    except Refusal as refusal:
        assert refusal.code == code
    else:
        assert isinstance(answer, Answer)
        assert answer.code == code

    assert said_since(before) == []


def _replayed(stage: Stage, _: Agent) -> Act:
    once = {"Idempotency-Key": "once"}
    request = {"to": stage.bob.id, **REFERENCE}
    assert stage.alice.post("grants", request, headers=once).status == 200
    return lambda: stage.alice.post("grants", request, headers=once)


def _form_sent_unchanged(stage: Stage, _: Agent) -> Act:
    sent = stage.operator.realm_form(stage.realm)
    return lambda: stage.operator.browser.post(path_of(Realm, "change", stage.realm.pk), sent)


def _grant_revoked_before(stage: Stage, _: Agent) -> Act:
    grant = Grant.objects.get(pk=grant_in("revoked", stage.alice, stage.bob))
    return lambda: stage.operator.act("revoke", grant)


def _session_left_before(stage: Stage, _: Agent) -> Act:
    session = Session.objects.get(pk=stage.bob.id)
    stage.bob.delete(f"sessions/{stage.bob.id}")
    return lambda: stage.operator.act("deregister", session)


def _quiet_session(stage: Stage, _: Agent) -> Act:
    """It turns inactive, which is what the hub notices and nobody decides."""
    seen_ago(stage.bob, hours=1)
    return sweep_sessions


def _grant_in_time(stage: Stage, _: Agent) -> Act:
    grant_in("active", stage.alice, stage.bob)
    return expire_grants


def _realm_in(status: Realm.Status) -> Prepare:
    def prepare(stage: Stage, _: Agent) -> Act:
        set_realm_status(realm=stage.realm, status=status, by=OPERATOR)
        return lambda: set_realm_status(realm=stage.realm, status=status, by=OPERATOR)

    return prepare


WITHOUT_EFFECT: dict[str, Prepare] = {
    "disabling a disabled key": _key_in(ApiKey.Status.DISABLED, ApiKey.Status.DISABLED),
    "enabling an active key": _key_in(ApiKey.Status.ACTIVE, ApiKey.Status.ACTIVE),
    "suspending a suspended realm": _realm_in(Realm.Status.SUSPENDED),
    "resuming an active realm": _realm_in(Realm.Status.ACTIVE),
    "saving no settings": lambda stage, _: lambda: change_settings(realm=stage.realm, names=[], by=OPERATOR),
    "sending the realm's form as it is": _form_sent_unchanged,
    "revoking an ended grant in the admin": _grant_revoked_before,
    "deregistering twice in the admin": _session_left_before,
    "a sweep that ends nothing": _quiet_session,
    "a clock that ends nothing": _grant_in_time,
    "a POST that is sent again": _replayed,
    "a message": lambda stage, _: lambda: stage.alice.send(stage.bob),
    "a poll": lambda stage, _: stage.bob.inbox,
    "a write into memory": lambda stage, _: lambda: write(stage.alice, {"project.name": 1}),
    "reading": lambda stage, _: lambda: [stage.alice.get(path) for path in ("sessions", "grants", "memory")],
}


@cases("prepare", WITHOUT_EFFECT.values(), ids=WITHOUT_EFFECT.keys())
def test_what_changes_no_control_state_leaves_none(stage: Stage, charlie: Agent, prepare: Prepare) -> None:
    act = prepare(stage, charlie)
    before = heads()

    outcome = act()

    assert not isinstance(outcome, Answer) or outcome.status == 200, outcome
    assert said_since(before) == []


def test_a_realm_whose_slug_is_taken_leaves_none(stage: Stage) -> None:
    before = heads()

    with pytest.raises(CommandError, match="already"):
        call_command("realm", "create", "default", "--owner", "alice@example.com", stdout=StringIO())

    assert said_since(before) == []
