"""The console's live feed (`GET /realms/:id/feed`): tells a realm's members in which topics something is new.

django-eventstream carries the events to the listeners; who listens, and until when, is decided here. An
event has no content, so that what a page shows has one source: the page.
"""

import contextlib

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, parse_cookie
from django_eventstream.channelmanager import ChannelManagerBase
from django_eventstream.eventrequest import EventRequest
from django_eventstream.views import stream

from accounts.models import User
from hub.api.event_stream import EVENT_STREAM
from hub.live import switchboard
from hub.live.consumer import LiveConsumer
from hub.live.database import in_database
from hub.live.watch import Viewer
from realms.ids import REALM, parse_id
from realms.members.rules import member_of
from realms.refusal import Refusal


class RealmChannels(ChannelManagerBase):
    """What django-eventstream asks: a channel is a realm's id, and its members may read it."""

    def can_read_channel(self, user: User | None, channel: str) -> bool:
        """Tell whether a person belongs to the realm."""
        if user is None:
            return False
        try:
            member_of(user=user, realm_id=channel)
        except Refusal:
            return False
        return True

    def is_channel_reliable(self, channel: str) -> bool:
        """Nothing is kept: the database has it all."""
        return False


class FeedConsumer(LiveConsumer):
    """Carries a realm's feed to one page of one member."""

    method = "GET"
    route = "realms/<str:realm_id>/feed"
    is_stream = True

    async def answer(self) -> None:
        """Send events until the page is left, or its viewer may look no more."""
        viewer, user = await in_database(self._admit)
        request = EventRequest()
        request.user, request.channels = user, {viewer.realm_id}
        request.is_next = False
        headers = {"Content-Type": EVENT_STREAM, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        with switchboard.feed_watch().listening(viewer) as listener:
            await switchboard.feed_watch().begin(viewer)
            await self.response.start(200, headers)
            async with contextlib.aclosing(stream(request, listener)) as parts:
                async for part in parts:
                    await self.response.write(part.encode(), more=True)
                    if listener.error:
                        break
        await self.response.write(b"", more=False)

    def _admit(self) -> tuple[Viewer, User]:
        """Return who asks.

        Raises:
            Refusal: `not_found`, to everybody but the realm's members.
        """
        realm_id = parse_id(REALM, self.scope["url_route"]["kwargs"]["realm_id"])
        key = parse_cookie(self.exchange.headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME)
        request = HttpRequest()
        request.session = SessionStore(key)
        user = auth.get_user(request)
        if realm_id is None or not isinstance(user, User):
            raise Refusal("not_found")
        member_of(user=user, realm_id=realm_id)
        return Viewer(user.pk, realm_id, str(key)), user
