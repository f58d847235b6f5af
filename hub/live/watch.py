"""What is new in realms that somebody looks at: a hint for the console's pages, which then ask again.

A process asks for the realms that its own viewers look at, all in one go; without a viewer it asks nothing.
So nothing that agents do costs more because of a viewer, and no event can get lost on its way between
processes.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.sessions.models import Session as WebSession
from django.db.models import Count, Max, OuterRef, Subquery, Sum
from django.utils import timezone

from hub.activity.models import Tally
from hub.messages.models import Inbox, Message
from hub.sessions.presence import OpenStream
from realms.members.models import Membership
from realms.models import Realm

# What changed: who may do what and who is there (all that is audited), or what flows.
CONTROL, TRAFFIC = "control", "traffic"
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at a realm, in a session of the web."""

    user_id: int
    realm_id: str
    web_session: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a realm looked like at one moment."""

    control: tuple[object, ...]
    traffic: tuple[object, ...]

    def topics_since(self, before: "Look") -> list[str]:
        """Return which topics changed."""
        changed = {CONTROL: self.control != before.control, TRAFFIC: self.traffic != before.traffic}
        return [topic for topic, has_changed in changed.items() if has_changed]


def look_at(realm_ids: Collection[str]) -> dict[str, Look]:
    """Return what realms look like now."""
    newest = Message.objects.filter(realm=OuterRef("pk")).order_by("-sent_at").values("sent_at")[:1]
    streams = (
        OpenStream.objects.alive().filter(realm__in=realm_ids).values("realm").annotate(count=Count("pk"))
    )
    open_streams = dict(streams.order_by().values_list("realm", "count"))
    # Of this minute and the last: what is added to them late is seen too, and the ones before change no more.
    lately = Tally.objects.filter(
        realm__in=realm_ids, grain=Tally.Grain.MINUTE, begins_at__gt=timezone.now() - 2 * MINUTE
    )
    counted = dict(lately.order_by().values_list("realm").annotate(number=Sum("count")))
    # What was read shows in what is not: each message that comes shows by its time.
    inboxes = Inbox.objects.filter(realm__in=realm_ids)
    unread = dict(inboxes.order_by().values_list("realm").annotate(number=Sum("unread")))
    realms = Realm.objects.filter(pk__in=realm_ids).annotate(
        newest=Subquery(newest), head=Max("audit_head__number")
    )
    kept = ("memory_usage__entries", "memory_usage__bytes")
    return {
        realm_id: Look(
            control=(head, status),
            traffic=(open_streams.get(realm_id), counted.get(realm_id), unread.get(realm_id), *flows),
        )
        for realm_id, head, status, *flows in realms.values_list("pk", "head", "status", "newest", *kept)
    }


def may_still_look(viewers: Collection[Viewer]) -> set[Viewer]:
    """Return those viewers who belong to their realm and are signed in, as it is now."""
    if not viewers:
        return set()
    realms = Realm.objects.present().filter(pk__in={viewer.realm_id for viewer in viewers})
    owners = set(realms.filter(owner__is_active=True).values_list("owner_id", "pk"))
    belongs = Membership.objects.filter(realm__in=realms, user__is_active=True)
    members = owners | set(belongs.values_list("user_id", "realm_id"))
    signed_in = WebSession.objects.filter(
        session_key__in={viewer.web_session for viewer in viewers}, expire_date__gt=timezone.now()
    )
    keys = set(signed_in.values_list("session_key", flat=True))
    return {
        viewer
        for viewer in viewers
        if (viewer.user_id, viewer.realm_id) in members and viewer.web_session in keys
    }
