"""Periodic work. Each task calls the rule; the schedule is in `config.celery`."""

from celery import shared_task

from accounts.web_sessions import sweep_web_sessions as sweep_web_sessions_rule
from hub.activity.rules import sweep_tallies as sweep_tallies_rule
from hub.grants.rules import expire_grants as expire_grants_rule
from hub.idempotency import rules as idempotency
from hub.messages.retention import sweep_messages as sweep_messages_rule
from hub.realm_purge import purge_deleted_realms as purge_deleted_realms_rule
from hub.sessions.presence import sweep_processes
from hub.sessions.rules import sweep_sessions as sweep_sessions_rule


@shared_task
def expire_grants() -> None:
    """End the grants whose time has come, and tell both sides."""
    expire_grants_rule()


@shared_task
def sweep_sessions() -> None:
    """Note which sessions went quiet, and which have been for too long."""
    sweep_processes()
    sweep_sessions_rule()


@shared_task
def sweep_messages() -> None:
    """Drop what expired or is older than its realm keeps it."""
    sweep_messages_rule()


@shared_task
def sweep_idempotency_records() -> None:
    """Forget the answers that no Idempotency-Key stands for any more."""
    idempotency.sweep()


@shared_task
def sweep_tallies() -> None:
    """Drop the tallies that are too old to be shown."""
    sweep_tallies_rule()


@shared_task
def purge_deleted_realms() -> None:
    """Remove what deleted realms still hold."""
    purge_deleted_realms_rule()


@shared_task
def sweep_web_sessions() -> None:
    """Remove the sessions of web browsers that have expired."""
    sweep_web_sessions_rule()
