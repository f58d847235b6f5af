"""The overview of a large realm: 10,000 sessions, 1,000,000 messages, and all that is counted in 40 days.

`python -m tests.console.overview_at_size [SESSIONS MESSAGES]` fills a database of its own, on the server
that `TEST_DATABASE_URL` names or on SQLite, asks for the page 30 times for each span, prints how long that
took, how long this process itself worked (the least that it can take, when the machine has other work),
and the number of queries, and drops the database.
"""

import os
import statistics
import sys
import time
import uuid

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()  # models may be imported only now
# ruff: noqa: E402

from django.db import connection
from django.test.utils import (
    CaptureQueriesContext,
    setup_databases,
    setup_test_environment,
    teardown_databases,
)
from django.utils import timezone

from hub.api import limits
from hub.sessions.presence import LiveProcess
from realms.ids import uuid_of
from realms.members.models import Role
from realms.models import Realm
from tests.cast import new_key, new_realm
from tests.console.people import Person, new_member

SESSIONS, MESSAGES = 10_000, 1_000_000
KEYS, STREAMS, GRANTS = 300, 2_000, 500
REQUESTS = 30
MINUTES, HOURS = 2 * 24 * 60, 40 * 24  # that tallies are kept
CODES = ("inbox_full", "invalid_request", "rate_limited", "recipient_not_found", "session_required")
MEASURES = ("messages", "requests", *(f"refused.{code}" for code in CODES))


def fill(table: str, rows: int, **columns: str) -> None:
    """Insert rows whose columns are SQL expressions of their number `i`, which begins with 1."""
    names, values = ", ".join(columns), ", ".join(columns.values())
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({names}) {numbers} SELECT {values} FROM n")


def on_postgresql() -> bool:
    """Whether the database is PostgreSQL."""
    return connection.vendor == "postgresql"


def literal(value: uuid.UUID) -> str:
    """Return a UUID in SQL."""
    return f"'{value}'::uuid" if on_postgresql() else f"'{value.hex}'"


def id_of(number: str) -> str:
    """Return the id that is made of a number, in SQL."""
    return f"lpad(to_hex({number}), 32, '0')::uuid" if on_postgresql() else f"printf('%032x', {number})"


def ago(number: str, unit: str = "second", floor: str = "") -> str:
    """Return the time so many units ago, in SQL, at the beginning of the unit if `floor` is given."""
    if on_postgresql():
        then = f"now() - ({number}) * interval '1 {unit}'"
        return f"date_trunc('{unit}', {then})" if floor else then
    return f"strftime('%Y-%m-%d {floor or '%H:%M:%f000'}', 'now', (-({number})) || ' {unit}s')"


def large_realm(sessions: int, messages: int) -> Realm:
    """Return a realm with so many sessions and messages, and a fitting number of everything else."""
    realm = new_realm("alice")
    key = [new_key(realm)[0] for _ in range(KEYS)][-1]
    realm.api_keys.update(last_used_at=timezone.now())
    of = {"realm_id": literal(uuid_of(realm.pk))}
    fill(
        "hub_session",
        sessions,
        **of,
        id=id_of("i"),
        key_id=literal(uuid_of(key.pk)),
        name="'agent-' || i",
        kind="'executor'",
        status="CASE WHEN i % 10 = 0 THEN 'inactive' ELSE 'active' END",
        capabilities="'[]'",
        manifest="'{}'",
        created_at=ago("i"),
        last_seen=ago("i"),
    )
    fill("hub_inbox", sessions, **of, session_id=id_of("i"), seq="i", unread="i % 7")
    fill(
        "hub_message",
        messages,
        **of,
        id=id_of("i"),
        sender_id=id_of(f"1 + i % {sessions}"),
        recipients="'[]'",
        category="'message'",
        payload="'{}'",
        envelope="''",
        capability="''",
        sent_at=ago("i"),
    )
    fill(
        "hub_grant",
        GRANTS,
        **of,
        id=id_of("i"),
        requester_id=id_of("i"),
        grantor_id=id_of("i + 1"),
        capability="'memory.read'",
        namespace="'*'",
        status="CASE WHEN i % 5 = 0 THEN 'pending' ELSE 'active' END",
        reason="''",
        created_at=ago("i"),
        expires_at=ago("-1000000"),
    )
    process = LiveProcess.objects.create(id=uuid.uuid4())
    fill(
        "hub_openstream",
        STREAMS,
        **of,
        id=id_of("i"),
        session_id=id_of(f"1 + i % {sessions}"),
        process_id=literal(process.pk),
        opened_at=ago("i"),
    )
    for measure in MEASURES:
        counted = {**of, "measure": f"'{measure}'", "count": "i % 50"}
        minutes, hours = ago("i - 1", "minute", "%H:%M:00"), ago("i - 1", "hour", "%H:00:00")
        fill("hub_tally", MINUTES, **counted, grain="'minute'", begins_at=minutes)
        fill("hub_tally", HOURS, **counted, grain="'hour'", begins_at=hours)
    for each in realm.api_keys.all():
        for number in range(5 + each.created_at.microsecond % 20):
            limits.windows().take({f"{each.pk}:{'read' if number % 2 else 'write'}": 1000}, seconds=60)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return realm


def measure(person: Person, span: str) -> None:
    """Print how long the page takes, and how many queries."""
    times, busy = [], []
    for _ in range(REQUESTS + 3):
        began, worked = time.perf_counter(), time.process_time()
        answer = person.get("realm", span=span)
        times.append((time.perf_counter() - began) * 1000)
        busy.append((time.process_time() - worked) * 1000)
        assert answer.status_code == 200
    times = times[3:]  # the first compile the templates
    with CaptureQueriesContext(connection) as queries:
        person.get("realm", span=span)
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    own = statistics.median(busy)
    print(
        f"{span:6} median {median:5.1f} ms   p95 {p95:5.1f} ms   of this process's processor {own:5.1f} ms   "
        f"{len(queries)} queries",
        flush=True,
    )
    if "--queries" in sys.argv:
        for query in queries:
            print(f"  {query['time']} s  {query['sql'][:2000]}")


def main() -> None:
    """Fill, measure, and clean up."""
    sizes = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    sessions, messages = sizes or (SESSIONS, MESSAGES)
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        realm = large_realm(sessions, messages)
        # A member who does not own the realm: it takes a query more to find that out.
        person = new_member(realm, "vera", Role.VIEWER)
        print(f"{connection.vendor}: {sessions:,} sessions, {messages:,} messages", flush=True)
        for span in ("hour", "day", "month"):
            measure(person, span)
    finally:
        teardown_databases(databases, verbosity=0)


if __name__ == "__main__":
    main()
