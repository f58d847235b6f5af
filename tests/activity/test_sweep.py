"""Sweeping: minutes go after two days, hours after forty."""

from datetime import timedelta

from django.utils import timezone

from hub.activity.models import Tally
from hub.activity.rules import sweep_tallies
from realms.models import Realm


def tally(realm: Realm, grain: str, **ago: float) -> Tally:
    begins_at = timezone.now() - timedelta(**ago)
    return Tally.objects.create(realm=realm, grain=grain, measure="messages", begins_at=begins_at, count=1)


def test_what_is_too_old_to_be_shown_goes(realm: Realm) -> None:
    tally(realm, "minute", hours=48.1)
    tally(realm, "hour", days=40.1)
    kept = [tally(realm, "minute", hours=47.9), tally(realm, "hour", days=39.9)]

    assert sweep_tallies() == 2
    assert list(Tally.objects.order_by("pk")) == kept


def test_no_more_go_at_once_than_the_limit(realm: Realm) -> None:
    for hours in (60, 61, 62):
        tally(realm, "minute", hours=hours)

    assert sweep_tallies(limit=2) == 2
    assert sweep_tallies(limit=2) == 1
