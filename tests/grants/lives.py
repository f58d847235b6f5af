"""Grants in each state that they can be in."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from hub.grants.models import Grant
from hub.grants.rules import expire_grants
from hub.messages.models import Message
from tests.cast import Agent, Answer

# In an order in which one session can have a grant of each of another: what is pending comes last, since
# the same cannot be asked again, and nothing is overdue when the worker runs for the expired one.
STATES = ("expired", "denied", "revoked", "active", "overdue active", "pending", "overdue pending")

# The reference's own request; `to` and `expires_at` depend on the test.
REFERENCE: dict[str, Any] = {
    "capability": "memory.read",
    "namespace": "project.*",
    "reason": "Need to read project context for summarization task.",
}


def ask(requester: Agent, grantor: Agent, **members: Any) -> Answer:
    """Have `requester` ask `grantor` for what the reference asks for; `members` say otherwise."""
    wish = {"to": grantor.id, **REFERENCE, **members}
    return requester.post("grants", {name: value for name, value in wish.items() if value is not ...})


def asked(requester: Agent, grantor: Agent, **members: Any) -> str:
    """Do as `ask` does and return the id of the grant."""
    answer = ask(requester, grantor, **members)
    assert answer.status == 200, answer.json
    return str(answer.json["grant_id"])


def age(grant_id: str) -> None:
    """Let a grant's time have come, without any worker noticing."""
    changed = Grant.objects.filter(pk=grant_id).update(expires_at=timezone.now() - timedelta(milliseconds=2))
    assert changed == 1


def grant_in(state: str, requester: Agent, grantor: Agent) -> str:
    """Return a grant that came to be in `state` as agents, the clock and the worker bring it there."""
    grant_id = asked(requester, grantor)
    if state in ("active", "revoked", "overdue active"):
        assert grantor.post(f"grants/{grant_id}/approve").status == 200
    if state == "denied":
        assert grantor.post(f"grants/{grant_id}/deny").status == 200
    if state == "revoked":
        assert grantor.delete(f"grants/{grant_id}").status == 200
    if state in ("expired", "overdue pending", "overdue active"):
        age(grant_id)
    if state == "expired":
        assert expire_grants() == 1
    for agent in (requester, grantor):
        agent.inbox()
    return grant_id


def kept() -> list[Any]:
    """Return all that the database holds of grants and messages, to compare before and after."""
    return [list(Grant.objects.order_by("pk").values()), list(Message.objects.order_by("pk").values("pk"))]


def in_an_hour(hours: float = 1) -> str:
    """Return the time so many hours ahead, as the wire has it."""
    return (timezone.now() + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
