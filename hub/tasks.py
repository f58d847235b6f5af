"""Periodic work. Each task repeats a rule until nothing is left, and returns how many it did of what.

Every rule claims what it does row by row or batch by batch, so that a task may run beside itself, run
twice, or die half-way: what it left the next one does. The schedule is in `config.celery`.
"""

from celery import shared_task

from accounts.web_sessions import sweep_web_sessions as sweep_web_sessions_rule
from hub.activity.rules import sweep_tallies as sweep_tallies_rule
from hub.batches import work_off
from hub.grants.rules import expire_grants as expire_grants_rule
from hub.idempotency import rules as idempotency
from hub.messages import retention
from hub.realm_purge import purge_deleted_realms as purge_deleted_realms_rule
from hub.sessions.presence import sweep_processes
from hub.sessions.rules import expire_sessions, turn_inactive
from realms.audit.retention import cut_audit_logs as cut_audit_logs_rule
from realms.key_warnings import warn_of_key_ends as warn_of_key_ends_rule
from realms.members.invitations import sweep_invitations as sweep_invitations_rule

Done = dict[str, int]


@shared_task
def expire_grants() -> Done:
    """End the grants whose time has come, and tell both sides."""
    return {"grants": work_off(expire_grants_rule)}


@shared_task
def sweep_sessions() -> Done:
    """Note which sessions went quiet, and which have been for too long."""
    return {
        "processes": sweep_processes(),
        "inactive": work_off(turn_inactive),
        "expired": work_off(expire_sessions),
    }


@shared_task
def sweep_messages() -> Done:
    """Take what expired out of the inboxes."""
    return {"expired": work_off(retention.drop_expired)}


@shared_task
def drop_old_messages() -> Done:
    """Drop what was read longer ago than its realm keeps it, and messages that nobody holds any more."""
    return {"deliveries": work_off(retention.drop_read), "messages": work_off(retention.drop_unheld)}


@shared_task
def sweep_idempotency_records() -> Done:
    """Forget the answers that no Idempotency-Key stands for any more."""
    return {"records": work_off(idempotency.sweep)}


@shared_task
def sweep_tallies() -> Done:
    """Drop the tallies that are too old to be shown."""
    return {"tallies": work_off(sweep_tallies_rule)}


@shared_task
def cut_audit_logs() -> Done:
    """Cut off what realms do not want to keep of their audit logs."""
    return {"events": work_off(cut_audit_logs_rule)}


@shared_task
def warn_of_key_ends() -> Done:
    """Tell a realm's people of keys that end soon."""
    return {"keys": work_off(warn_of_key_ends_rule)}


@shared_task
def sweep_invitations() -> Done:
    """Remove invitations that ended long ago."""
    return {"invitations": work_off(sweep_invitations_rule)}


@shared_task
def purge_deleted_realms() -> Done:
    """Remove what deleted realms still hold."""
    return {"rows": purge_deleted_realms_rule()}


@shared_task
def sweep_web_sessions() -> Done:
    """Remove the sessions of web browsers that have expired."""
    return {"sessions": sweep_web_sessions_rule()}
