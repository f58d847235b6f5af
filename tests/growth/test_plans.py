"""What the API's hot calls ask PostgreSQL is answered from indexes, however much else it holds.

The statements are those that the calls run. Each is explained and measured beside tens of thousands of rows,
with the plan that PostgreSQL makes for it at first and with the one that it keeps.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from hub.grants.models import Grant
from hub.messages import feed
from hub.messages.models import Inbox
from hub.sessions.presence import open_stream
from realms.ids import new_id, uuid_of
from tests.cast import Agent, Answer, new_agent, new_key, new_realm
from tests.growth.copies import Copies

pytestmark = pytest.mark.postgres

SESSIONS = range(1, 5_001)
ROWS = range(1, 30_001)  # of whatever there can be more of than of sessions
UNREAD = 100
LARGE = frozenset(  # what is filled, and must not be read as a whole
    {
        "hub_session",
        "hub_inbox",
        "hub_openstream",
        "hub_message",
        "hub_delivery",
        "hub_grant",
        "hub_memorynamespace",
        "hub_memoryentry",
        "hub_idempotencyrecord",
    }
)
PAGE = 10
MOST_READ = 3 * UNREAD  # rows that one step of a plan may look at
MOST_READ_OF_PAGE = 3 * PAGE  # by a poll, though there are more unread messages
READ = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
TOLD = ("Node Type", "Relation Name", "Index Name", "Index Cond", "Filter", "Actual Loops", "Subplan Name")
CUSTOM_PLANS = 5  # that PostgreSQL makes before it may keep one for any parameters
NUMBERS = count()
PLACE = re.compile(r"%(?:\((\w+)\))?s|%%")


@dataclass
class Crowd:
    """A large realm whose alice and bob have done before what they will do."""

    alice: Agent
    bob: Agent
    copies: Copies
    is_known: bool = False

    def gather(self) -> None:
        """Make the rows, with statistics from before them."""
        alice, bob, copies = self.alice, self.bob, self.copies
        assert alice.session
        message = alice.send(bob).json["message_id"]
        grant = bob.grant(alice, "delegate.receive")
        bob.grant(alice, "memory.read", "work.*")
        alice.post("memory", {"entries": [{"key": "work.notes.one", "value": 1}]})
        alice.post("sessions", {"name": "kept", "kind": "executor"}, headers={"Idempotency-Key": "kept"})
        stream = open_stream(session=alice.session, process_id=uuid_of(new_id("proc")))
        copies.settle()
        copies.sessions(alice.id, SESSIONS)
        copies.streams(str(stream.pk), SESSIONS)
        copies.messages(message, ROWS, sessions=len(SESSIONS))
        copies.inbox(message, read=len(ROWS), unread=UNREAD)
        copies.grants(grant, ROWS, sessions=len(SESSIONS))
        Grant.objects.filter(pk=grant).delete()
        bob.grant(alice, "delegate.receive")  # behind all others that the two have
        copies.namespaces("work", SESSIONS)
        copies.entries("work.notes.one", ROWS, namespaces=len(SESSIONS))
        copies.attempts(ROWS)

    def settle(self) -> None:
        """Have PostgreSQL know of the rows."""
        if not self.is_known:
            self.copies.settle()
            self.is_known = True


@pytest.fixture(scope="module")
def crowd(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Crowd]:
    """Alice and bob in a large realm, made once for all tests of this file and rolled back at the end.

    PostgreSQL has statistics from before the realm grew, until `Crowd.settle` is called.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        key = new_key(new_realm("alice"))[1]
        alice = new_agent(key, "alice", capabilities=["delegate.receive"])
        bob = new_agent(key, "bob", "executor", capabilities=["delegate.receive", "memory.read"])
        connection.ensure_connection()
        assert isinstance(connection.connection, psycopg.Connection)
        crowd = Crowd(alice, bob, Copies(connection.connection))
        crowd.gather()
        yield crowd
        transaction.set_rollback(
            True
        )  # before a hundred thousand references are checked, which takes seconds


@contextmanager
def undone() -> Iterator[None]:
    """Undo what a test does to the crowd."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def unknown(crowd: Crowd) -> Iterator[Crowd]:
    """The crowd of which PostgreSQL does not know; tests with it stand before all others."""
    assert not crowd.is_known, "another test has settled the crowd"
    with undone():
        yield crowd


@pytest.fixture
def known(crowd: Crowd) -> Iterator[Crowd]:
    """The crowd of which PostgreSQL knows."""
    crowd.settle()  # outside of what is undone: its statistics would be, too
    with undone():
        yield crowd


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk through the steps of a plan."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


class Watch:
    """Explains what is executed, and notes each step that reads a large table as a whole, or many rows."""

    def __init__(self, most_read: int) -> None:
        self.most_read = most_read
        self.faults: list[str] = []
        self.statements = 0

    def __call__(self, execute: Callable[..., Any], query: str, given: Any, many: bool, context: Any) -> Any:
        if re.match(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE)", query):
            self.statements += 1
            self._explain(query, given)
        return execute(query, given, many, context)

    def _explain(self, query: str, given: Any) -> None:
        raw = connection.connection
        values: list[Any] = []

        def placed(match: re.Match[str]) -> str:
            if match[0] == "%%":
                return "%"
            values.append(given[match[1]] if match[1] else given[len(values)])
            return f"${len(values)}"

        prepared = PLACE.sub(placed, query)
        # What the driver says of its values, too: `now() - $1` could be of many types.
        types = ["interval" if isinstance(value, timedelta) else "unknown" for value in values]
        declared = f"({', '.join(types)})" if values else ""
        arguments = f"({', '.join(['%s'] * len(values))})" if values else ""
        for before in (0, CUSTOM_PLANS):
            name = f"watched_{next(NUMBERS)}"
            execute = f"EXECUTE {name} {arguments}"
            with raw.transaction(force_rollback=True), psycopg.ClientCursor(raw) as cursor:
                cursor.execute(f"PREPARE {name} {declared} AS {prepared}".encode())
                for _ in range(before):
                    cursor.execute(f"EXPLAIN {execute}".encode(), values)
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {execute}".encode(), values)
                [[[plan]]] = cursor.fetchall()
            self._check(plan, "later" if before else "at first")

    def _check(self, plan: dict[str, Any], when: str) -> None:
        for node in nodes(plan["Plan"]):
            if table := node.get("Relation Name", node.get("Index Name")):
                read = node["Actual Loops"] * sum(node.get(rows, 0) for rows in READ)
                if read > self.most_read or (node["Node Type"] == "Seq Scan" and table in LARGE):
                    told = {name: value for name, value in node.items() if name in TOLD}
                    self.faults.append(f"{when} reads {read} rows: {told}")


@contextmanager
def watched(what: str, most_read: int = MOST_READ) -> Iterator[Watch]:
    """Have all that is executed be cheap."""
    watch = Watch(most_read)
    with connection.execute_wrapper(watch):
        yield watch
    assert watch.statements, what
    assert not watch.faults, "\n".join([what, *watch.faults])


def envelope(sender: Agent, *recipients: Agent, category: str = "message", **members: Any) -> dict[str, Any]:
    to = [each.id for each in recipients]
    return {
        "aisp": "0.1",
        "from": sender.id,
        "to": to if len(to) > 1 else to[0],
        "category": category,
        "payload": {"text": "hello"},
        **members,
    }


def check(calls: Mapping[str, Callable[[], Answer]]) -> None:
    for name, call in calls.items():
        with watched(name):
            answer = call()
        assert answer.status == 200, (name, answer.json)


def sends_and_polls(alice: Agent, bob: Agent) -> dict[str, Callable[[], Answer]]:
    one, both = envelope(alice, bob), envelope(alice, alice, bob)
    delegated = envelope(alice, bob, category="delegate", capability="delegate.receive")
    once = {"Idempotency-Key": "new"}
    return {
        "send": lambda: alice.post("messages", one),
        "send once": lambda: alice.post("messages", one, headers=once),
        "send once again": lambda: alice.post("messages", one, headers=once),
        "send to several": lambda: alice.post("messages", both),
        "delegate": lambda: alice.post("messages", delegated),
        "poll a category": lambda: bob.get(f"messages?limit={PAGE}&category=delegate"),
    }


def polls_a_page(bob: Agent) -> None:
    for name, query in {"poll": "", "peek": "&peek=true"}.items():
        with watched(name, MOST_READ_OF_PAGE):
            assert len(bob.get(f"messages?limit={PAGE}{query}").json["messages"]) == PAGE


def test_sends_and_polls_do_before_postgresql_knows_of_the_rows(unknown: Crowd) -> None:
    calls = sends_and_polls(unknown.alice, unknown.bob)
    del calls["delegate"]  # grants do not come by the thousand in a minute: somebody approves each

    check(calls)
    polls_a_page(unknown.bob)


def test_messages_read_few_rows(known: Crowd) -> None:
    alice, bob = known.alice, known.bob
    first = bob.get("messages?peek=true&limit=1").json["messages"][0]["id"]
    newest, realm_id = Inbox.objects.values_list("seq", "realm_id").get(pk=bob.id)

    check(
        {
            **sends_and_polls(alice, bob),
            "poll after a message": lambda: bob.get(f"messages?limit={PAGE}&after={first}"),
            "acknowledge": lambda: bob.post("messages/ack", {"ids": [first]}),
            "follow": lambda: alice.get(f"messages/{first}"),
        }
    )
    polls_a_page(bob)
    for unread_up_to in (0, newest):
        with watched("read a page for a stream", MOST_READ_OF_PAGE):
            found = feed.read_page(realm_id, bob.id, after=0, unread_up_to=unread_up_to, limit=PAGE)
        assert len(found) == PAGE
    with watched("read for streams"):
        assert feed.read_many({bob.id: newest - 10}, each=100)
    with watched("mark what streams sent"):
        feed.mark_sent({bob.id: [newest]})


def test_memory_sessions_and_grants_read_few_rows(known: Crowd) -> None:
    alice, bob = known.alice, known.bob
    written = {"entries": [{"key": "work.notes.one", "value": 2}, {"key": "work.notes.two", "value": 2}]}
    asked = {"to": bob.id, "capability": "memory.read", "namespace": "work.*"}

    check(
        {
            "write": lambda: alice.post("memory", {"entries": written["entries"][:1]}),
            "write several": lambda: alice.post("memory", written),
            "read one": lambda: alice.get("memory/work.notes.one"),
            "read under a prefix": lambda: alice.get("memory?namespace=work.notes"),
            "read all that it may": lambda: alice.get("memory"),
            "see a session": lambda: alice.get(f"sessions/{bob.id}"),
            "ask for a grant": lambda: alice.post("grants", asked),
            "list grants": lambda: bob.get("grants?limit=10"),
            "delete an entry": lambda: alice.delete("memory/work.notes.one"),
        }
    )
