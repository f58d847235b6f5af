"""A Celery worker with beat, in a process of its own, on PostgreSQL and Redis."""

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from hub.grants.models import Grant
from hub.messages.models import Message
from tests import processes
from tests.cast import new_agent
from tests.live.processes import ROOT, hosted_environment, worker_command
from tests.live.test_two_processes import database_url
from tests.waiting import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """A worker that also keeps the schedule."""
    environment = hosted_environment(database_url(), os.environ["TEST_REDIS_URL"], "http://127.0.0.1")
    with processes.running(worker_command(), cwd=ROOT, env=environment):
        yield


def test_the_worker_expires_grants_and_tells_both_sides(key: str, worker: None) -> None:
    alice, bob = new_agent(key, "alice"), new_agent(key, "bob")
    assert alice.session is not None
    grant = Grant.objects.create(
        realm_id=alice.session.realm_id,
        requester_id=alice.id,
        grantor_id=bob.id,
        capability="memory.read",
        namespace="*",
        status=Grant.Status.ACTIVE,
        expires_at=timezone.now() - timedelta(seconds=1),
    )

    wait_until(lambda: Grant.objects.get(pk=grant.pk).status == Grant.Status.EXPIRED, seconds=30)

    wait_until(lambda: Message.objects.filter(category="grant").exists())
    [message] = Message.objects.filter(category="grant")
    assert message.sender_id is None
    assert set(message.recipients) == {alice.id, bob.id}
