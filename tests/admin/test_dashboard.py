"""The admin's first page: how the hub is, whatever of it is away."""

import re
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from celery import current_app
from django.conf import settings
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis

from accounts.models import User
from hub.activity.models import Tally
from hub.activity.rules import flush, note
from hub.grants.models import Grant
from hub.messages.models import Message
from hub.operations import backlog, looks
from hub.sessions.models import Session
from realms.models import Realm
from tests.admin.pages import Pages, path_of
from tests.cast import Agent, new_owner
from tests.client import Client
from tests.rows import open_stream, seen_ago

QUERIES = 15
WORDS_OF_TRANSACTIONS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SET LOCAL")


def cards(operator: Pages) -> dict[str, tuple[str, str]]:
    """Open the dashboard and return its cards' figures and states."""
    answer = operator.browser.get("/admin/")
    assert answer.status_code == 200
    return {card.title: (card.figure, card.state) for card in answer.context["cards"]}


def table(operator: Pages, title: str) -> list[str]:
    """Open the dashboard and return a table's rows as text."""
    answer = operator.browser.get("/admin/")
    assert answer.status_code == 200
    [found] = [each for each in answer.context["tables"] if each.title == title]
    assert found.rows is not None
    return [" ".join(re.sub("<[^>]*>", " ", f"{cell}").strip() for cell in row) for row in found.rows]


def charts(operator: Pages) -> dict[str, tuple[str, str]]:
    """Open the dashboard and return its charts' figures and notes."""
    answer = operator.browser.get("/admin/")
    return {chart.title: (chart.figure, chart.note) for chart in answer.context["charts"]}


def test_others_are_sent_to_the_login(client: Client, busy: str) -> None:
    client.force_login(new_owner("oscar"))

    answer: Any = client.get("/admin/")

    assert (answer.status_code, answer.url.split("?")[0]) == (302, "/admin/login/")


def test_parts_answer(operator: Pages, alice: Agent, bob: Agent, is_postgresql: bool) -> None:
    open_stream(alice)
    open_stream(bob, beat_ago_seconds=60)
    alice.send([alice, bob])

    shown = cards(operator)

    assert shown["Database"][0].startswith("PostgreSQL 1" if is_postgresql else "SQLite 3")
    assert shown["Database"][1] == "answers"
    assert shown["Server processes"] == shown["Open streams"] == ("1", "")
    assert shown["Unread messages"] == ("2", "")


def test_without_redis_nothing_is_asked_of_it(operator: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "HUB_REDIS_URL", "")

    assert cards(operator)["Redis"] == ("None", "")


@pytest.fixture
def queue() -> Iterator[str]:
    """A queue of tasks of its own."""
    usual = current_app.conf.task_default_queue
    current_app.conf.task_default_queue = "queue-of-a-test"
    yield "queue-of-a-test"
    current_app.conf.task_default_queue = usual


@pytest.mark.redis
def test_tasks_that_wait_are_counted(operator: Pages, queue: str) -> None:
    with Redis.from_url(settings.HUB_REDIS_URL) as redis:
        redis.rpush(queue, "one", "two", "three")
        try:
            shown = cards(operator)
        finally:
            redis.delete(queue)

    assert shown["Redis"][0].startswith("Redis ") and shown["Redis"][1] == "answers"
    assert shown["Tasks waiting"] == ("3", "")


@pytest.fixture(params=["gone", "silent"])
def redis_away(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Redis that refuses connections, or takes them and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "silent":
            listener.listen()
        monkeypatch.setattr(settings, "HUB_REDIS_URL", f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        yield


def test_a_redis_that_is_away_is_red_and_soon(operator: Pages, redis_away: None) -> None:
    began = time.monotonic()
    shown = cards(operator)

    assert time.monotonic() - began < 2
    assert (shown["Redis"], shown["Tasks waiting"]) == (("-", "no answer"), ("-", "unknown"))
    assert shown["Database"][1] == "answers"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_the_database_does_not_tell_is_red_and_soon(operator: Pages) -> None:
    now = connection.get_connection_params()
    with psycopg.connect(
        host=now["host"], port=now["port"], user=now["user"], dbname=connection.settings_dict["NAME"]
    ) as other:
        other.execute("LOCK TABLE hub_grant IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        work = table(operator, "Periodic work")
        seconds = time.monotonic() - began

    assert looks.STATEMENT_SECONDS <= seconds < 2
    assert work[0].split() == ["Grants", "past", "their", "end", "-", "unknown"]
    assert work[1].split()[-2:] == ["in", "time"]


def test_a_statement_has_a_time_limit(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "STATEMENT_SECONDS", 0.1)

    def count_for_ever() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
            )

    began = time.monotonic()
    assert looks.look("a number without end", count_for_ever) is None
    assert time.monotonic() - began < 1
    assert looks.look("a number", lambda: Realm.objects.count()) == 0


@pytest.mark.parametrize(
    ("minutes", "state"),
    [(-1, "0 in time"), (1, "1 in time"), (6, "1 behind")],
    ids=["not yet", "now", "late"],
)
def test_periodic_work_that_is_behind_is_red(
    operator: Pages, alice: Agent, bob: Agent, minutes: int, state: str
) -> None:
    ago = timedelta(minutes=minutes)
    bob.grant(alice, "memory.read", "project.*")
    Grant.objects.update(expires_at=timezone.now() - ago)
    seen_ago(alice, minutes=15 + minutes)
    seen_ago(bob, status=Session.Status.INACTIVE, days=30, minutes=minutes)
    alice.send(alice, expires_at=(timezone.now() + timedelta(hours=1)).isoformat())
    seen_ago(alice, minutes=15 + minutes)
    Message.objects.filter(category="message").update(expires_at=timezone.now() - ago)

    work = [" ".join(row.split()) for row in table(operator, "Periodic work")]

    assert work == [
        f"Grants past their end {state}",
        f"Sessions to turn inactive {state}",
        f"Sessions to deregister {state}",
        f"Expired messages in inboxes {state}",
    ]


def test_a_session_that_streams_is_not_overdue(operator: Pages, alice: Agent) -> None:
    seen_ago(alice, hours=1)
    assert "1" in table(operator, "Periodic work")[1]

    open_stream(alice)

    assert "0" in table(operator, "Periodic work")[1]


def test_no_more_than_so_many_rows_are_counted(
    operator: Pages, alice: Agent, bob: Agent, charlie: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "COUNTED_ROWS", 2)
    monkeypatch.setattr(backlog, "INBOXES_SUMMED", 1)
    for agent in (alice, bob, charlie):
        agent.send(agent)
        seen_ago(agent, hours=1)

    assert "2+" in table(operator, "Periodic work")[1]
    assert cards(operator)["Unread messages"][0] == "2+"


def test_traffic_is_of_all_realms(operator: Pages, alice: Agent, mallory: Agent) -> None:
    for agent in (alice, alice, mallory):
        assert agent.send(agent).status == 200
    assert alice.get("sessions/none").status == 404
    flush()

    shown = charts(operator)

    assert [shown[f"Messages of the last {span}"][0] for span in ("hour", "day")] == ["3", "3"]
    assert [shown[f"Requests of the last {span}"][0] for span in ("hour", "day")] == ["4", "4"]
    assert "at most 3 in one" in shown["Messages of the last day"][1]
    busiest = [row.split() for row in table(operator, "Busiest realms of the last day")]
    assert busiest == [["default", "alice@example.com", "2"], ["default", "mallory@example.com", "1"]]
    assert [row.split() for row in table(operator, "Refusals of the last day")] == [
        ["session_not_found", "1"]
    ]


def test_traffic_of_a_minute_is_its_own_bar(operator: Pages, realm: Realm, time_machine: Any) -> None:
    time_machine.move_to("2026-05-04T12:30:10Z", tick=False)
    note(realm.pk, "messages", 120)
    flush()
    time_machine.move_to("2026-05-04T12:32:50Z", tick=False)
    note(realm.pk, "messages", 30)
    flush()
    operator.browser.force_login(User.objects.get(email="olivia@example.com"))

    answer = operator.browser.get("/admin/")

    hour = answer.context["charts"][0]
    assert len(hour.bars) == 60
    assert [bar.says for bar in hour.bars if bar.height] == ["120, 2 minutes ago", "30, this minute, so far"]
    assert hour.note == "2.0 a minute; at most 120 in one minute."


def test_what_is_older_is_left_out(operator: Pages, realm: Realm) -> None:
    for grain, ago in (("minute", timedelta(minutes=61)), ("hour", timedelta(hours=25))):
        begins_at = timezone.now() - ago
        Tally.objects.create(realm=realm, grain=grain, measure="messages", begins_at=begins_at, count=7)

    assert {figure for figure, _ in charts(operator).values()} == {"0"}
    assert table(operator, "Busiest realms of the last day") == []


def test_realms_are_linked(operator: Pages, realm: Realm) -> None:
    shown = operator.browser.get("/admin/").content.decode()

    assert f'href="{path_of(Realm, "change", quote(realm.pk))}"' in shown
    assert "No message was sent in the last day." in shown


def test_staff_who_may_see_no_realm_see_none(operator: Pages, realm: Realm) -> None:
    olivia = User.objects.get(email="olivia@example.com")
    olivia.is_superuser = False
    olivia.save()

    assert "alice@example.com" not in operator.browser.get("/admin/").content.decode()
    olivia.user_permissions.set(Permission.objects.filter(codename="view_realm"))
    assert "alice@example.com" in operator.browser.get("/admin/").content.decode()


def test_few_queries(operator: Pages, busy: str, alice: Agent) -> None:
    open_stream(alice)
    flush()
    operator.browser.get("/admin/")

    with CaptureQueriesContext(connection) as captured:
        operator.browser.get("/admin/")

    asked = [query["sql"] for query in captured if not query["sql"].startswith(WORDS_OF_TRANSACTIONS)]
    assert len(asked) <= QUERIES, "\n".join(asked)
