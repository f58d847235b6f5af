"""PostgreSQL keeps the plan of a poll while the backlog grows."""

import psycopg
import pytest
from django.db import connection

from tests.cast import Agent
from tests.growth.copies import Copies

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

PAGE = 10


def times_planned() -> int:
    """Return how often PostgreSQL made a plan for one poll alone, on this connection."""
    with connection.cursor() as cursor:
        polls = "statement LIKE '%%FOR UPDATE OF hub_inbox%%'"
        cursor.execute(f"SELECT sum(custom_plans) FROM pg_prepared_statements WHERE {polls}")
        return int(cursor.fetchone()[0])


def test_polls_keep_their_plan_while_the_backlog_grows(alice: Agent, bob: Agent) -> None:
    def poll(times: int) -> None:
        for _ in range(times):
            assert bob.get(f"messages?limit={PAGE}").status == 200

    assert isinstance(connection.connection, psycopg.Connection)
    copies = Copies(connection.connection)
    message = alice.send(bob).json["message_id"]
    poll(times=20)
    copies.inbox(message, read=0, unread=10_000)
    copies.settle()
    poll(times=50)  # until those that were planned for little weigh no more
    planned = times_planned()

    poll(times=20)

    assert times_planned() == planned
