"""The table: every operation of the hub, in the order of the API reference.

A row says how its operation is called as the owner would, in which places of the call an id or a name
stands, and what becomes of a call that names something of another realm. `test_table` holds it against
the URL table and the OpenAPI document: nothing can be added to the hub without a row here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.isolation.names import Name, Named, names_in

ACCEPTED = None

# Parameters and members that name nothing in a realm, and why.
NAMES_NOTHING = {
    "query/limit": "a number",
    "query/status": "a state",
    "query/category": "a category of the protocol",
    "query/since": "a time",
    "query/peek": "a choice",
    "query/direction": "a choice",
    "query/format": "a form of the schema",
    "body/aisp": "a version",
    "body/category": "a category of the protocol",
    "body/payload": "the sender's own; what is in it is looked up for a pong alone, which has a form",
    "body/sig": "a signature, which is checked with the sender's own key",
    "body/manifest": "the session's own",
    "body/public_key": "the session's own",
    "body/expires_at": "a time",
    "body/reason": "a text",
    "body/nonce": "the caller's own; it is found again by the pong, which has a form",
    "body/entries/value": "the writer's own",
    "body/entries/if_version": "a number",
    "body/ttl_seconds": "a span",
    "body/scopes": "words of the protocol",
}


@dataclass(frozen=True, slots=True)
class Form:
    """One way to call an operation: each optional name stands in at least one form.

    Attributes:
        stranger: as of the row, where it differs. A form that names the realm is refused for that first.
    """

    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    stranger: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An operation.

    Attributes:
        path_names: what the parameters of the path name.
        forms: how it is called.
        acts: X-AISP-Session may name the session that it is done by.
        stranger: what another realm's key gets for the owner's call, word for word.
        neighbour: what another key of the same realm gets for it: a code, or 200.
        by_key_alone: a token may not.
        public: it needs no credential, and is the same for everybody.
        live: it is answered beside Django, and only over HTTP.
    """

    method: str
    path: str
    path_names: Mapping[str, Name] = field(default_factory=dict)
    forms: tuple[Form, ...] = (Form(),)
    acts: bool = True
    stranger: str = "session_not_owned"
    neighbour: str | int = "session_not_owned"
    by_key_alone: bool = False
    public: bool = False
    live: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def headers_of(self, form: Form) -> dict[str, Any]:
        """Return the headers of a form that name something, and those that the row's every form has."""
        every: dict[str, Any] = {"X-AISP-Session": ACTING} if self.acts else {}
        if self.method == "POST":
            every["Idempotency-Key"] = ONCE
        return {**every, **form.headers}

    def stranger_of(self, form: Form) -> str:
        """Return what another realm's key gets for the owner's call of a form."""
        names_realm = any(name.of is Named.SLUG for _, name in self.places(form))
        return form.stranger or ("realm_access_denied" if names_realm else self.stranger)

    def places(self, form: Form) -> Iterator[tuple[str, Name]]:
        """Yield every place of a form where an id or a name stands."""
        yield from names_in(dict(self.path_names), "path")
        yield from names_in(dict(form.query), "query")
        yield from names_in(self.headers_of(form), "header")
        yield from names_in(form.body, "body")


ACTING = Name(Named.ME, "session_not_owned")
ONCE = Name(Named.IDEMPOTENCY_KEY, ACCEPTED)
OWN_REALM = Name(Named.SLUG, "realm_access_denied")
RECIPIENT = Name(Named.PEER, "recipient_not_found")
SESSION = {"session_id": Name(Named.PEER, "session_not_found")}
OWN_SESSION = {"session_id": Name(Named.ME, "session_not_found")}
GRANT = {"grant_id": Name(Named.ASKED_OF_ME, "grant_not_found")}
MEMORY_KEY = {"key": Name(Named.KEY, "memory_key_not_found")}
MESSAGE = {"aisp": "0.1", "from": ACTING, "category": "message", "payload": {"text": "hello"}}

TABLE = (
    Row(
        "POST",
        "/api/v1/sessions",
        forms=(
            Form(
                body={
                    "name": Name(Named.NEW_NAME, ACCEPTED),
                    "kind": Name(Named.KIND, ACCEPTED),
                    "realm": OWN_REALM,
                    "capabilities": [Name(Named.CAPABILITY, ACCEPTED)],
                    "manifest": {"model": "m-1"},
                }
            ),
        ),
        acts=False,
        neighbour=200,
        by_key_alone=True,
    ),
    Row(
        "GET",
        "/api/v1/sessions",
        forms=(
            Form(query={"realm": OWN_REALM}),
            Form(query={"kind": Name(Named.KIND, ACCEPTED), "realm": OWN_REALM, "status": "all"}),
            Form(query={"capability": Name(Named.CAPABILITY, ACCEPTED), "realm": OWN_REALM}),
            Form(query={"name": Name(Named.NAME, ACCEPTED), "realm": OWN_REALM}),
            Form(
                # Without a realm, which would be one of the filters that a cursor is signed for.
                query={"cursor": Name(Named.SESSIONS_CURSOR, "invalid_cursor")},
                stranger="invalid_cursor",
            ),
        ),
        acts=False,
        neighbour=200,
    ),
    Row(
        "GET",
        "/api/v1/sessions/{session_id}",
        SESSION,
        acts=False,
        stranger="session_not_found",
        neighbour=200,
    ),
    Row("DELETE", "/api/v1/sessions/{session_id}", OWN_SESSION, acts=False, stranger="session_not_found"),
    Row(
        "POST",
        "/api/v1/sessions/{session_id}/token",
        OWN_SESSION,
        forms=(Form(), Form(body={"ttl_seconds": 60, "scopes": ["read"]})),
        acts=False,
        stranger="session_not_found",
    ),
    Row(
        "POST",
        "/api/v1/sessions/{session_id}/ping",
        SESSION,
        forms=(Form(body={"nonce": "abc123"}),),
        live=True,
    ),
    Row(
        "POST",
        "/api/v1/messages",
        forms=(
            Form(body={**MESSAGE, "to": RECIPIENT, "realm": OWN_REALM}),
            Form(
                body={
                    **MESSAGE,
                    "to": [RECIPIENT, Name(Named.ME, "recipient_not_found")],
                    "realm": OWN_REALM,
                    "reply_to": Name(Named.RECEIVED, ACCEPTED),
                }
            ),
            Form(
                body={
                    **MESSAGE,
                    "category": "delegate",
                    "to": RECIPIENT,
                    "realm": OWN_REALM,
                    "capability": Name(Named.CAPABILITY, "grant_required"),
                }
            ),
            Form(
                body={
                    **MESSAGE,
                    "category": "pong",
                    "to": "hub",
                    "realm": OWN_REALM,
                    "payload": {"nonce": Name(Named.NONCE, "ping_not_waiting")},
                }
            ),
        ),
        acts=False,
    ),
    Row(
        "GET",
        "/api/v1/messages",
        forms=(
            Form(query={"realm": OWN_REALM}),
            Form(query={"limit": 1}),
            Form(query={"peek": "true"}),
            Form(query={"after": Name(Named.RECEIVED, "message_not_found")}),
        ),
    ),
    Row(
        "POST",
        "/api/v1/messages/ack",
        forms=(
            Form(body={"ids": [Name(Named.RECEIVED, "message_not_found")]}),
            Form(body={"up_to": Name(Named.RECEIVED, "message_not_found")}),
        ),
    ),
    Row("GET", "/api/v1/messages/{message_id}", {"message_id": Name(Named.SENT, "message_not_found")}),
    Row(
        "GET",
        "/api/v1/messages/stream",
        forms=(
            Form(),
            Form(headers={"Last-Event-ID": Name(Named.RECEIVED, ACCEPTED)}),
            Form(headers={"X-Last-Event-ID": Name(Named.RECEIVED, ACCEPTED)}),
        ),
        live=True,
    ),
    Row(
        "GET",
        "/api/v1/memory",
        forms=(
            Form(query={"realm": OWN_REALM}),
            Form(query={"namespace": Name(Named.NAMESPACE, ACCEPTED)}),
            Form(query={"namespace": Name(Named.KEY, ACCEPTED)}),
            Form(query={"cursor": Name(Named.MEMORY_CURSOR, "invalid_cursor")}),
        ),
    ),
    Row(
        "POST",
        "/api/v1/memory",
        forms=(Form(body={"entries": [{"key": Name(Named.KEY, ACCEPTED), "value": "written"}]}),),
    ),
    Row("GET", "/api/v1/memory/{key}", MEMORY_KEY),
    Row("DELETE", "/api/v1/memory/{key}", MEMORY_KEY),
    Row(
        "POST",
        "/api/v1/grants",
        forms=(
            Form(
                body={
                    "to": Name(Named.PEER, "session_not_found"),
                    "capability": "memory.read",
                    "namespace": Name(Named.PEERS_PATTERN, ACCEPTED),
                    "reason": "to see",
                }
            ),
            Form(
                body={
                    "to": Name(Named.PEER, "session_not_found"),
                    "capability": Name(Named.CAPABILITY, "invalid_capability"),
                }
            ),
        ),
    ),
    Row(
        "GET",
        "/api/v1/grants",
        forms=(
            Form(query={"realm": OWN_REALM}),
            Form(query={"direction": "incoming", "status": "pending"}),
            Form(query={"cursor": Name(Named.GRANTS_CURSOR, "invalid_cursor")}),
        ),
    ),
    Row("GET", "/api/v1/grants/{grant_id}", GRANT),
    Row(
        "POST",
        "/api/v1/grants/{grant_id}/approve",
        GRANT,
        forms=(Form(), Form(body={"namespace": Name(Named.KEY, "invalid_namespace")})),
    ),
    Row("POST", "/api/v1/grants/{grant_id}/deny", GRANT),
    Row("DELETE", "/api/v1/grants/{grant_id}", GRANT),
    Row("GET", "/api/v1/schema", acts=False, public=True),
    Row("GET", "/.well-known/jwks.json", acts=False, public=True),
)
