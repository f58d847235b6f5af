"""Sessions in the operators' admin."""

from collections.abc import Iterable
from typing import Any, TypedDict

from django.contrib import admin
from django.contrib.admin import SimpleListFilter, action
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django_stubs_ext import WithAnnotations

from hub.grants.models import Grant
from hub.memory.models import MemoryNamespace
from hub.messages.models import Message
from hub.sessions.bodies import WELL_KNOWN_KINDS
from hub.sessions.models import Session
from hub.sessions.presence import OpenStream
from hub.sessions.rules import end_session
from realms import ids
from realms.audit.actor import Actor
from realms.cells import column, link_to_list, time_of, two_lines
from realms.operators import ChoiceFilter, Question, ReadOnlyAdmin
from realms.refusal import Refusal

CONNECTED = "connected"


DEREGISTERING = Question(
    "Deregister",
    "Its unread messages are discarded, its grants in both directions are revoked, its streams end, and its "
    "name is free. Its memory stays. This cannot be undone: the agent has to register anew.",
)


class _Presence(TypedDict):
    streaming: bool


class KindFilter(ChoiceFilter):
    """By the kinds that the protocol names."""

    title = "kind"
    parameter_name = "kind"
    values = WELL_KNOWN_KINDS


class ConnectedFilter(SimpleListFilter):
    """Whether a stream is open now."""

    title = "connected now"
    parameter_name = "connected"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """The choices."""
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """Keep what is connected, or what is not."""
        streaming = OpenStream.objects.alive().values("session")
        if self.value() == "yes":
            return queryset.filter(pk__in=streaming)
        return queryset.exclude(pk__in=streaming) if self.value() == "no" else queryset


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin[Session]):
    """Sessions: they register themselves, and an operator can end them."""

    list_display = ("name_and_id", "kind", "tenant", "status_label", "connected_now", "unread", "seen")
    list_filter = ("status", KindFilter, ConnectedFilter)
    linked_lookups = ("realm__id__exact", "key__id__exact")
    search_fields = ("name", "realm__slug", "realm__owner__email")
    search_help_text = "A name, or an id of a session, a key or a realm"
    searched_ids = {ids.SESSION: ["pk"], ids.KEY: ["key"], ids.REALM: ["realm"]}
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("id", "name", "kind", "realm", "realm_owner", "key", "status_label")}),
        ("Inbox", {"fields": ("connected_now", "unread", "traffic")}),
        ("What it said of itself", {"fields": ("capabilities_held", "public_key", "manifest")}),
        ("Times", {"fields": ("registered", "seen")}),
    )
    actions = ("deregister",)

    registered = time_of("created_at", "registered")
    seen = time_of("last_seen", "last seen")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        """Sessions with all that a row shows."""
        streams = OpenStream.objects.alive().filter(session=OuterRef("pk"))
        sessions = super().get_queryset(request).select_related("realm__owner", "key", "inbox")
        return sessions.defer("manifest").annotate(streaming=Exists(streams))

    @column(description="name", ordering="name")
    def name_and_id(self, session: Session) -> SafeString:
        """The name, free again once the session is deregistered, and the id."""
        return two_lines(session.name, session.pk)

    @column(
        description="status",
        ordering="status",
        label={
            Session.Status.ACTIVE: "success",
            Session.Status.INACTIVE: "warning",
            Session.Status.DEREGISTERED: "danger",
        },
    )
    def status_label(self, session: Session) -> str:
        """The status, in colour."""
        return session.status

    @column(description="connected", label={CONNECTED: "success"})
    def connected_now(self, session: "WithAnnotations[Session, _Presence]") -> str:
        """Whether a stream is open: to have none is no fault."""
        return CONNECTED if session.streaming else ""

    @column(description="unread", ordering="inbox__unread")
    def unread(self, session: Session) -> int | None:
        """Unread messages; none where the inbox went with the session."""
        inbox = getattr(session, "inbox", None)
        return None if inbox is None else inbox.unread

    @column(description="capabilities")
    def capabilities_held(self, session: Session) -> str:
        """The capabilities in words."""
        return ", ".join(session.capabilities)

    @column(description="see also")
    def traffic(self, session: Session) -> SafeString:
        """The ways to what the session sent, owns, asked for and gave."""
        links = [
            link_to_list(Message, "Messages sent", sender__id__exact=session.pk),
            link_to_list(MemoryNamespace, "Namespaces owned", owner__id__exact=session.pk),
            link_to_list(Grant, "Grants asked for", requester__id__exact=session.pk),
            link_to_list(Grant, "Grants given", grantor__id__exact=session.pk),
        ]
        return format_html_join(" · ", "{}", ((link,) for link in links))

    @action(description="Deregister: discard its inbox and revoke its grants", permissions=["operate"])
    def deregister(self, request: HttpRequest, queryset: QuerySet[Session]) -> HttpResponse | None:
        """End sessions, as their own keys could."""
        return self.carry_out(request, queryset, _deregister, done="deregistered", asked=DEREGISTERING)


def _deregister(session: Session, by: Actor) -> None:
    if not end_session(session, by=by):
        raise Refusal("session_not_found", "It was deregistered before.")
