"""Every route of the protocol, in the order of the API reference."""

from typing import Any

from django.urls import URLPattern, include, path

from hub.api.schema import SchemaViewSet
from hub.api.viewset import HubViewSet
from hub.grants.api import GrantViewSet
from hub.live.feed import FeedConsumer
from hub.live.ping import PingConsumer
from hub.live.stream import StreamConsumer
from hub.memory.api import MemoryViewSet
from hub.messages.api import MessageViewSet
from hub.sessions.api import SessionViewSet
from hub.tokens.api import SigningKeyViewSet

V1 = "api/v1"


def route(where: str, viewset: type[HubViewSet], **verbs: Any) -> URLPattern:
    """Return the pattern of a path below /api/v1, whose HTTP methods are these methods of the viewset."""
    return path(where, viewset.as_view(verbs), name=where.replace("str:", ""))


# Held open without a thread, so routed before Django, in config.asgi.
live_urlpatterns = [
    path(f"{V1}/sessions/<str:session_id>/ping", PingConsumer.as_asgi()),
    path(f"{V1}/messages/stream", StreamConsumer.as_asgi()),
]
feed_urlpatterns = [
    path("realms/<str:realm_id>/feed", FeedConsumer.as_asgi()),
]

api_urlpatterns = [
    route("sessions", SessionViewSet, post="register", get="list"),
    route("sessions/<str:session_id>", SessionViewSet, get="get_session", delete="deregister"),
    route("sessions/<str:session_id>/token", SessionViewSet, post="issue_token"),
    route("messages", MessageViewSet, post="send", get="poll"),
    route("messages/ack", MessageViewSet, post="acknowledge"),
    route("messages/<str:message_id>", MessageViewSet, get="status"),
    route("memory", MemoryViewSet, get="read", post="write"),
    route("memory/<str:key>", MemoryViewSet, get="get_entry", delete="delete_entry"),
    route("grants", GrantViewSet, post="request_grant", get="list"),
    route("grants/<str:grant_id>", GrantViewSet, get="get_grant", delete="revoke"),
    route("grants/<str:grant_id>/approve", GrantViewSet, post="approve"),
    route("grants/<str:grant_id>/deny", GrantViewSet, post="deny"),
    route("schema", SchemaViewSet, get="schema_document"),
]

urlpatterns = [
    path(f"{V1}/", include(api_urlpatterns)),
    path(".well-known/jwks.json", SigningKeyViewSet.as_view({"get": "jwks"}), name="jwks"),
]
