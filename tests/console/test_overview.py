"""The overview: the realm's numbers, its charts, and what wants attention."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from hub.activity.models import Tally
from hub.activity.rules import flush
from hub.api import limits
from hub.api.windows import LocalWindows
from realms.models import ApiKey, Realm
from tests.cases import cases
from tests.cast import Agent, new_agent, new_key
from tests.console.people import Person
from tests.rows import open_stream

MOST_QUERIES = 12


def page_of(person: Person, **query: object) -> str:
    answer = person.get("realm", **query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def context_of(person: Person, **query: object) -> Any:
    return person.get("realm", **query).context


def tally(realm: Realm, measure: str, count: int, grain: str, **ago: float) -> None:
    then = timezone.now() - timedelta(**ago)
    begins_at = then.replace(minute=0 if grain == "hour" else then.minute, second=0, microsecond=0)
    Tally.objects.create(realm=realm, measure=measure, count=count, grain=grain, begins_at=begins_at)


@pytest.fixture(autouse=True)
def _own_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = LocalWindows()
    monkeypatch.setattr(limits, "windows", lambda: windows)


def test_it_shows_who_is_there_and_what_waits(
    viewer: Person, alice: Agent, bob: Agent, mallory: Agent
) -> None:
    open_stream(bob)
    open_stream(bob)
    bob.post("grants", {"to": alice.id, "capability": "delegate.receive"})
    assert alice.send([alice, bob]).status == 200
    mallory.send(mallory)

    context = context_of(viewer)

    # The notice of the grant is a message too.
    assert context["now"] == {"active": 2, "connected": 1, "unread": 3, "has_begun": True}
    assert context["pending_grants"] == 1


def test_messages_and_refusals_are_counted_by_the_minute(owner: Person, alice: Agent, mallory: Agent) -> None:
    for _ in range(3):
        alice.send(alice)
    alice.send(mallory)
    mallory.send(mallory)
    flush()

    context = context_of(owner)

    assert [bar.number for bar in context["sent_chart"].bars][-2:] in ([0, 3], [3, 0], [1, 2], [2, 1])
    assert len(context["sent_chart"].bars) == 60
    assert context["refused_chart"].total == context["errors"] == 1
    assert "/docs/problems/recipient_not_found" in page_of(owner)


@pytest.mark.parametrize(
    ("span", "parts", "grain", "in_it", "before"),
    [
        ("hour", 60, "minute", {"minutes": 58}, {"minutes": 61}),
        ("day", 24, "hour", {"hours": 22}, {"hours": 25}),
        ("month", 30, "hour", {"days": 28}, {"days": 31}),
    ],
)
def test_a_span_has_its_own_bars(
    owner: Person, span: str, parts: int, grain: str, in_it: dict[str, float], before: dict[str, float]
) -> None:
    for measure in ("messages", "refused.rate_limited"):
        tally(owner.realm, measure, 7, grain, **in_it)
        tally(owner.realm, measure, 1, grain, **before)
    tally(owner.realm, "requests", 100, grain, **in_it)

    context = context_of(owner, span=span)

    for chart in (context["sent_chart"], context["refused_chart"]):
        assert (len(chart.bars), chart.total, chart.most) == (parts, 7, 7)
        assert max(bar.height for bar in chart.bars) == 100
    assert [(code, number) for code, _, number in context["refusals"]] == [("rate_limited", 7)]


def test_the_rate_is_that_of_the_minutes_that_have_passed(owner: Person) -> None:
    for minutes in range(60):
        tally(owner.realm, "messages", 100 if minutes < 5 else 10, "minute", minutes=minutes)

    rates = {name: float(rate.replace(",", "")) for name, rate in context_of(owner)["rates"].items()}

    assert 100 <= rates["recent"] <= 125, "4 to 5 minutes"
    assert 17 <= rates["hour"] <= 18


def test_the_numbers_are_in_a_table_too(owner: Person) -> None:
    tally(owner.realm, "messages", 1234, "minute", minutes=3)

    page = page_of(owner)

    assert "The numbers of the charts" in page
    assert "<td>1234</td>" in page
    assert "1,234 messages in all" in page


@cases("span", ["", "year", "Hour", "x" * 5000, "1e309", "‮"])
def test_another_span_is_refused(owner: Person, span: str) -> None:
    answer = owner.get("realm", span=span)

    assert answer.status_code == 400
    assert "an hour, a day or a month" in answer.content.decode()


def test_a_span_that_is_no_text_is_refused(owner: Person) -> None:
    for query in ("span=%00", "span=%ff", "span=hour&span=%00"):
        assert owner.browser.get(f"{owner.path('realm')}?{query}").status_code == 400


def test_the_first_steps_are_offered_until_something_was_sent(owner: Person, alice: Agent) -> None:
    assert "Finish the first steps" in page_of(owner)

    alice.send(alice)

    assert "Finish the first steps" not in page_of(owner)


def test_a_realm_whose_messages_are_gone_is_not_at_its_first_steps(owner: Person) -> None:
    tally(owner.realm, "messages", 1, "hour", days=20)

    assert "Finish the first steps" not in page_of(owner)


def test_keys_that_end_soon_are_named(owner: Person) -> None:
    soon, late = (new_key(owner.realm, expires_at=timezone.now() + timedelta(days=days)) for days in (3, 90))
    ApiKey.objects.filter(pk=soon[0].pk).update(name="soon-over")
    ApiKey.objects.filter(pk=late[0].pk).update(name="long-lived")

    page = page_of(owner)

    assert "soon-over" in page and "long-lived" not in page


def test_the_keys_nearest_to_a_limit_come_first(owner: Person) -> None:
    for number in range(7):
        key, plaintext = new_key(owner.realm, reads_per_minute=10)
        ApiKey.objects.filter(pk=key.pk).update(name=f"key-{number}")
        for _ in range(number):
            assert Agent(plaintext).get("sessions").status == 200
    unlimited, plaintext = new_key(owner.realm)
    ApiKey.objects.filter(pk=unlimited.pk).update(reads_per_minute=0)
    assert Agent(plaintext).get("sessions").status == 200

    busiest = context_of(owner)["busiest"]

    assert [busy.key.name for busy in busiest] == [f"key-{number}" for number in (6, 5, 4, 3, 2)]
    assert [busy.reads.used for busy in busiest] == [6, 5, 4, 3, 2]
    assert "6 of 10" in page_of(owner)


def test_a_key_without_a_limit_of_its_own_has_the_realms(owner: Person, alice: Agent) -> None:
    Realm.objects.update(writes_per_minute=50)
    alice.send(alice)

    [busy] = context_of(owner)["busiest"]

    assert (busy.writes.used, busy.writes.limit) == (1, 50)


def test_no_payload_is_shown(owner: Person, alice: Agent) -> None:
    alice.send(alice, payload={"text": "top-secret-words"})
    flush()

    assert "top-secret-words" not in page_of(owner)


@pytest.mark.parametrize("span", ["hour", "day", "month"])
def test_it_takes_few_queries(
    viewer: Person, key: str, span: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    agents = [new_agent(key, f"agent-{number}") for number in range(12)]
    for agent in agents:
        agent.send(agents)
    for _ in range(5):
        new_key(viewer.realm, expires_at=timezone.now() + timedelta(days=1))
    flush()

    with django_assert_max_num_queries(MOST_QUERIES):
        page_of(viewer, span=span)


def test_another_realms_traffic_is_not_in_it(owner: Person, mallory: Agent) -> None:
    mallory.send(mallory)
    mallory.get("messages/none")
    flush()

    context = context_of(owner)

    assert context["now"] == {"active": 0, "connected": 0, "unread": 0, "has_begun": False}
    assert (context["sent_chart"].total, context["errors"], context["busiest"]) == (0, 0, [])
