"""The console's live feed: for members, for as long as they are."""

from collections.abc import Iterator

import httpx
import pytest
from django.contrib.sessions.models import Session as WebSession

from accounts.models import User
from hub.live import switchboard
from hub.live.feed_watch import FEEDS_PER_PERSON
from realms.ids import new_id
from realms.members.models import Membership, Role
from realms.models import Realm
from tests.cast import new_agent, new_owner
from tests.client import Client
from tests.live.client import Event, StreamReader, WireAgent
from tests.waiting import wait_until


def cookie_of(user: User) -> dict[str, str]:
    """Return the headers of somebody who is signed in."""
    browser = Client()
    browser.force_login(user)
    return {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}


@pytest.fixture
def feed(server: str, realm: Realm) -> str:
    """Where the feed of Alice's realm is."""
    return f"{server}/realms/{realm.pk}/feed"


@pytest.fixture
def owners_feed(feed: str, realm: Realm) -> Iterator[StreamReader]:
    """The feed of Alice's realm, open, with the words of its beginning read."""
    with StreamReader(feed, cookie_of(realm.owner)) as reader:
        assert reader.next().event == "stream-open"
        yield reader


def test_it_tells_of_control_and_of_traffic(
    alice: WireAgent, bob: WireAgent, owners_feed: StreamReader, realm: Realm
) -> None:
    alice.send(bob.id)
    assert owners_feed.next() == Event("traffic", "", {})

    with WireAgent(alice.base, new_agent(str(alice.agent.key), "carol")):
        assert owners_feed.next() == Event("control", "", {}), "an event says nothing but that it is"


def test_another_realms_members_hear_nothing_of_it(feed: str, server: str) -> None:
    mallory = new_owner("mallory")
    headers = cookie_of(mallory)

    answers = [
        httpx.get(url, headers=headers)
        for url in (feed, f"{server}/realms/{new_id('realm')}/feed", f"{server}/realms/x/feed")
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert httpx.get(feed).status_code == 404, "and who is not signed in"
    assert httpx.get(feed, headers={"Cookie": "sessionid=x"}).status_code == 404


def test_it_ends_when_the_membership_does(feed: str, realm: Realm) -> None:
    vera = new_owner("vera")
    membership = Membership.objects.create(realm=realm, user=vera, role=Role.VIEWER)
    with StreamReader(feed, cookie_of(vera)) as reader:
        assert reader.next().event == "stream-open"

        membership.delete()

        event = reader.next()
        assert (event.event, event.data["condition"]) == ("stream-error", "forbidden")
        assert reader.ended()


@pytest.mark.parametrize("how", ["signed out", "deactivated", "realm deleted"])
def test_it_ends_when_its_viewer_may_look_no_more(feed: str, realm: Realm, how: str) -> None:
    with StreamReader(feed, cookie_of(realm.owner)) as reader:
        assert reader.next().event == "stream-open"

        if how == "signed out":
            WebSession.objects.all().delete()
        elif how == "deactivated":
            User.objects.update(is_active=False)
        else:
            Realm.objects.update(status=Realm.Status.DELETED)

        assert reader.next().data["condition"] == "forbidden"
        assert reader.ended()


def test_somebody_may_have_so_many_pages_open_and_no_more(feed: str, realm: Realm) -> None:
    headers = cookie_of(realm.owner)
    readers = [StreamReader(feed, headers) for _ in range(FEEDS_PER_PERSON)]
    try:
        answer = httpx.get(feed, headers=headers)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
    finally:
        for reader in readers:
            reader.close()


def test_it_is_read_and_not_written_to(feed: str, realm: Realm) -> None:
    answer = httpx.post(feed, headers=cookie_of(realm.owner))

    assert answer.status_code == 405


def test_who_looked_is_forgotten(feed: str, realm: Realm) -> None:
    with StreamReader(feed, cookie_of(realm.owner)) as reader:
        assert reader.next().event == "stream-open"
        assert switchboard.feed_watch().count == 1

    wait_until(lambda: switchboard.feed_watch().count == 0)
