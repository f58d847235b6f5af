"""The console's watch: what a realm's pages are told, and how often."""

import asyncio
from collections.abc import Iterator

import pytest

from hub.live import feed_watch
from hub.live.feed_watch import TRAFFIC_LOOKS, FeedWatch
from hub.live.watch import CONTROL, TRAFFIC, Look, Viewer, look_at
from realms.ids import REALM, new_id

VIEWER = Viewer(user_id=1, realm_id=new_id(REALM), web_session="signed in")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The topics that the realm's pages were told of."""
    topics: list[str] = []
    monkeypatch.setattr(feed_watch, "send_event", lambda _realm, topic, _data: topics.append(topic))
    return topics


@pytest.fixture
def watch() -> Iterator[FeedWatch]:
    """A watch with one page that is told."""
    watch = FeedWatch()
    with watch.listening(VIEWER):
        yield watch


def look(watch: FeedWatch, monkeypatch: pytest.MonkeyPatch, *, control: int = 0, traffic: int = 0) -> None:
    """Have it look at the realm as it is said to be."""

    async def answer(function: object, asked: set[object]) -> object:
        looks = {VIEWER.realm_id: Look(control=(control,), traffic=(traffic,))}
        return looks if function is look_at else asked

    monkeypatch.setattr(feed_watch, "in_database", answer)
    asyncio.run(watch._look())


def test_what_flows_all_the_time_is_told_at_every_third_look(
    watch: FeedWatch, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told_at = []
    for number in range(3 * TRAFFIC_LOOKS):
        look(watch, monkeypatch, traffic=number)
        told_at.append(len(told))

    assert TRAFFIC_LOOKS == 3
    assert told_at == [0, 1, 1, 1, 2, 2, 2, 3, 3]


def test_what_came_while_it_rested_is_told_afterwards_and_once(
    watch: FeedWatch, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for traffic in (0, 1, 2):
        look(watch, monkeypatch, traffic=traffic)
    assert told == [TRAFFIC]

    for _ in range(3 * TRAFFIC_LOOKS):
        look(watch, monkeypatch, traffic=2)

    assert told == [TRAFFIC, TRAFFIC]


def test_control_never_waits(watch: FeedWatch, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        look(watch, monkeypatch, control=number, traffic=number)

    assert told == [CONTROL, TRAFFIC, CONTROL, CONTROL]


def test_who_may_look_no_more_is_not_told_of_what_ended_it(
    watch: FeedWatch, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    look(watch, monkeypatch)
    is_deleted = False

    async def answer_and_delete(function: object, asked: set[object]) -> object:
        nonlocal is_deleted
        was_deleted, is_deleted = is_deleted, True
        looks = {VIEWER.realm_id: Look(control=(was_deleted,), traffic=(0,))}
        return looks if function is look_at else asked if not was_deleted else set()

    monkeypatch.setattr(feed_watch, "in_database", answer_and_delete)
    asyncio.run(watch._look())

    assert told == []
