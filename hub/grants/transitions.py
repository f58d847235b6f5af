"""What every change of a grant goes through: its status by the clock, its end, the notice and the record."""

from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from hub import metrics
from hub.grants.models import Grant
from hub.messages.inbox import Outgoing, post_notice
from hub.sessions.models import Session
from hub.wire import rfc3339
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.refusal import Refusal

Status = Grant.Status


def status_now(grant: Grant) -> str:
    """Return the status, which an overdue grant changes by itself."""
    if grant.status in Grant.OPEN and grant.expires_at <= timezone.now():
        return Status.EXPIRED
    return grant.status


def refuse_unless_pending(grant: Grant) -> None:
    """Raise `Refusal` `grant_not_pending` unless a grant waits for a decision now."""
    if (status := status_now(grant)) != Status.PENDING:
        raise Refusal("grant_not_pending", f"The grant is {status}; only a pending one can be decided.")


def refuse_unless_open(grant: Grant) -> None:
    """Raise `Refusal` `grant_already_ended` unless a grant is pending or active now."""
    if (status := status_now(grant)) not in Grant.OPEN:
        raise Refusal("grant_already_ended", f"The grant is {status} already and stays so.")


def end(grant: Grant, status: Status) -> None:
    """Write down that a locked grant has ended, and how."""
    grant.status = status
    grant.ended_at = timezone.now()
    grant.save(update_fields=["status", "ended_at", "decided_at"])


def expire(grant: Grant) -> None:
    """Write down that a locked grant has expired, tell both sides, and record it as the clock's doing."""
    end(grant, Status.EXPIRED)
    post_notice(notice(grant, "expired", by=None, to=[grant.requester_id, grant.grantor_id]))
    record(grant, "expired", by=Actor.worker("expire_grants"))


def notice(grant: Grant, event: str, *, by: Session | None, to: list[str]) -> Outgoing:
    """Return the message that tells sessions of an `event` in a grant's life.

    Args:
        by: who acted; None for a clock or a person, where the hub itself speaks.
        to: ids of sessions.
    """
    payload: dict[str, Any] = {
        "event": event,
        "grant_id": grant.pk,
        "from": grant.requester_id,
        "capability": grant.capability,
        "namespace": grant.namespace or None,
        "expires_at": rfc3339(grant.expires_at),
        "reason": grant.reason or None,
    }
    if event == "requested":
        path = f"/api/v1/grants/{grant.pk}"
        payload |= {"approve": f"{path}/approve", "deny": f"{path}/deny"}
    return Outgoing(
        realm_id=grant.realm_id,
        sender_id=by.pk if by else None,
        recipients=to,
        category="grant",
        payload=msgspec.json.encode(payload).decode(),
    )


def record(grant: Grant, event: str, *, by: Actor, on_behalf_of: str | None = None) -> None:
    """Write an `event` in a grant's life into the audit log; the last thing that a transaction does.

    Args:
        on_behalf_of: the session whose part a person took; None where whoever acted did so for themselves.
    """
    details: dict[str, Any] = {
        "from": grant.requester_id,
        "to": grant.grantor_id,
        "capability": grant.capability,
        "namespace": grant.namespace or None,
        "expires_at": rfc3339(grant.expires_at),
    }
    if on_behalf_of is not None:
        details["on_behalf_of"] = on_behalf_of
    transaction.on_commit(metrics.GRANT_EVENTS.labels(event).inc)
    audit.append(f"grant.{event}", realm_id=grant.realm_id, by=by, target=grant.pk, details=details)
