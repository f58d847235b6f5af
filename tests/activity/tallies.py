"""What has been counted."""

from hub.activity.models import Tally
from hub.activity.rules import flush
from realms.models import Realm


def tallies(realm: Realm, grain: str = "minute") -> dict[str, int]:
    """Write down what was counted, and return a realm's sums by measure."""
    flush()
    sums: dict[str, int] = {}
    for tally in Tally.objects.in_realm(realm.pk).filter(grain=grain):
        sums[tally.measure] = sums.get(tally.measure, 0) + tally.count
    return sums
