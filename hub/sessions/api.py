"""Sessions: the viewset."""

from typing import Annotated, Literal

from msgspec import Meta

from hub.api import examples
from hub.api.decode import id_in_path
from hub.api.endpoint import Answer, Link, endpoint
from hub.api.pages import ListQuery, page_of
from hub.api.viewset import HubViewSet
from hub.sessions import bodies, rules
from hub.sessions.acting import Caller
from hub.sessions.presence import connected
from hub.tokens import bodies as token_bodies
from hub.tokens import rules as token_rules
from realms.ids import SESSION


class SessionQuery(ListQuery, kw_only=True, forbid_unknown_fields=True):
    """Which sessions to list."""

    kind: bodies.Kind | None = None
    status: Annotated[
        Literal["active", "inactive", "all"], Meta(description="`all`: active and inactive ones.")
    ] = "active"
    capability: Annotated[bodies.Capability | None, Meta(description="Sessions that declared it.")] = None
    name: Annotated[bodies.Name | None, Meta(description="In any letter case.")] = None


def _session_id_of(text: str) -> str:
    return id_in_path(SESSION, text, or_refuse="session_not_found")


class SessionViewSet(HubViewSet):
    """The running agents of a realm."""

    @endpoint(
        "Register a session",
        body=bodies.Registration,
        answer=bodies.RegisteredSession,
        refuses=("api_key_required", "realm_access_denied", "quota_exceeded", "session_name_taken"),
        example=examples.REGISTER,
        links=(
            Link("sessions_get_session", "Look at the session.", {"session_id": "$response.body#/id"}),
            Link("sessions_deregister", "Deregister it again.", {"session_id": "$response.body#/id"}),
            Link("sessions_ping", "See whether it answers.", {"session_id": "$response.body#/id"}),
            Link("messages_poll", "Poll its inbox.", {"header.X-AISP-Session": "$response.body#/id"}),
        ),
    )
    def register(self, caller: Caller, body: bodies.Registration) -> bodies.RegisteredSession:
        """The API key owns the session and may act as it from now on."""
        caller.check_realm(body.realm)
        new = rules.NewSession(
            name=body.name,
            kind=body.kind,
            capabilities=body.capabilities,
            public_key=body.public_key,
            manifest=bytes(body.manifest).decode(),
        )
        session = rules.register_session(caller=caller, new=new)
        return bodies.registered_answer(session, caller.key.realm_slug)

    @endpoint(
        "List sessions",
        query=SessionQuery,
        answer=bodies.SessionList,
        lists=True,
        paged=True,
        refuses=("invalid_cursor", "realm_access_denied"),
        example=examples.LIST_SESSIONS,
    )
    def list(self, caller: Caller, query: SessionQuery) -> Answer:
        """The sessions of the caller's realm, active ones unless `status` says otherwise, oldest first."""
        caller.check_realm(query.realm)
        matching = rules.sessions_of(
            caller, status=query.status, kind=query.kind, capability=query.capability, name=query.name
        )
        page, headers = page_of(matching, by="pk", answer=bodies.listed_answer, view=self, query=query)
        return Answer(bodies.SessionList(sessions=page, total=matching.count()), headers)

    @endpoint(
        "Get a session",
        answer=bodies.SessionDetail,
        refuses=("session_not_found",),
        example=examples.GET_SESSION,
    )
    def get_session(self, caller: Caller, session_id: str) -> bodies.SessionDetail:
        """All that a session said of itself, its status, and whether a stream is open."""
        session = rules.session_in_realm(caller, _session_id_of(session_id))
        streaming = bool(connected(session.realm_id, [session.pk]))
        return bodies.detail_answer(session, caller.key.realm_slug, connected=streaming)

    @endpoint(
        "Deregister a session",
        answer=bodies.Deregistered,
        refuses=("session_not_found", "session_not_owned"),
        example=examples.DEREGISTER,
    )
    def deregister(self, caller: Caller, session_id: str) -> bodies.Deregistered:
        """By the session itself or the API key that registered it. Its unread messages are discarded, its
        grants revoked, its streams end and its name is free; what it wrote into memory stays.
        """
        rules.deregister_session(caller=caller, session_id=_session_id_of(session_id))
        return bodies.Deregistered(message="Session deregistered.")

    @endpoint(
        "Issue a token",
        body=token_bodies.TokenRequest,
        body_optional=True,
        answer=token_bodies.Token,
        check_right=lambda caller, session_id, body: token_rules.session_to_issue_for(
            caller, _session_id_of(session_id)
        ),
        refuses=("session_not_found", "session_not_owned"),
        example=examples.ISSUE_TOKEN,
    )
    def issue_token(
        self, caller: Caller, session_id: str, body: token_bodies.TokenRequest
    ) -> token_bodies.Token:
        """A JWT that acts as the session, so that an agent need not hold the API key. For the session itself
        or the API key that registered it. It ends after `ttl_seconds`, and at once with the key or the
        session.
        """
        issued = token_rules.issue_token(
            caller=caller,
            session_id=_session_id_of(session_id),
            ttl_seconds=body.ttl_seconds,
            scopes=body.scopes,
        )
        return token_bodies.token_answer(issued)
