"""The cast of the tests: who is who, and how they call the hub.

Alice owns the realm `default`, and with one API key two agents run in it: `alice` and `bob`. Mallory owns
a realm `default` of her own, with the agent `mallory`, and must never see anything of Alice's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from accounts.models import User
from hub.sessions.acting import Caller
from hub.sessions.models import Session
from hub.sessions.rules import NewSession, register_session
from realms import identity, keys
from realms.audit.actor import Actor
from realms.models import ApiKey, Realm
from realms.owners import create_realm
from tests.client import Client
from tests.conformance import check_conformance

API = "/api/v1"
OPERATOR = Actor.command("test")  # whoever runs the tests


@dataclass
class Answer:
    """What the hub said."""

    status: int
    json: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """The problem's code."""
        assert self.headers["Content-Type"] == "application/problem+json", self.json
        return str(self.json["code"])


class Agent:
    """Calls the API with a key or a token and, if it has one, as a session."""

    def __init__(self, key: str | None, session: Session | None = None, *, token: str | None = None) -> None:
        self.key = key
        self.session = session
        self.token = token

    @property
    def id(self) -> str:
        """The id of the session that it acts as."""
        assert self.session is not None
        return self.session.pk

    def headers(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the headers of its requests; an `extra` one of the value "" is left out."""
        headers = {"X-AISP-Key": self.key} if self.key else {}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        elif self.session is not None:
            headers["X-AISP-Session"] = self.session.pk
        return {name: value for name, value in {**headers, **(extra or {})}.items() if value}

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Send a request; `body` is sent as JSON, `content` as it stands.

        The answer has to be as the published schema says.
        """
        data = content if content is not None else b"" if body is None else msgspec.json.encode(body)
        where = path if path.startswith("/") else f"{API}/{path}"
        response = Client().generic(
            method,
            where,
            data,
            content_type=content_type if data else "",
            headers=self.headers(headers),
        )
        check_conformance(method, where, response.status_code, response.headers, response.content, data)
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(
            response.status_code,
            msgspec.json.decode(response.content) if is_json else response.content,
            response.headers,
        )

    def get(self, path: str, **options: Any) -> Answer:
        """GET a path below /api/v1."""
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """POST JSON to a path below /api/v1."""
        return self.call("POST", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """DELETE a path below /api/v1."""
        return self.call("DELETE", path, **options)

    def send(self, to: "Agent | list[Agent]", /, category: str = "message", **members: Any) -> Answer:
        """Send a message with the payload {"text": "hello"}, if `members` do not say otherwise."""
        recipients = [agent.id for agent in to] if isinstance(to, list) else to.id
        envelope = {
            "aisp": "0.1",
            "from": self.id,
            "to": recipients,
            "category": category,
            "payload": {"text": "hello"},
        }
        return self.post("messages", {**envelope, **members})

    def inbox(self, query: str = "") -> list[Any]:
        """Poll, and return the messages."""
        answer = self.get(f"messages{query}")
        assert answer.status == 200, answer.json
        return list(answer.json["messages"])

    def grant(self, to: "Agent", capability: str, namespace: str | None = None, **members: Any) -> str:
        """Have this agent give `to` an active grant, and return its id."""
        wish = {"to": self.id, "capability": capability, **members}
        if namespace is not None:
            wish["namespace"] = namespace
        asked = to.post("grants", wish)
        assert asked.status == 200, asked.json
        grant_id = str(asked.json["grant_id"])
        assert self.post(f"grants/{grant_id}/approve").status == 200
        self.inbox("?category=grant")
        to.inbox("?category=grant")
        return grant_id


def new_owner(name: str) -> User:
    """Return a new person."""
    return User.objects.create_user(f"{name}@example.com")


def new_key(realm: Realm, **options: Any) -> tuple[ApiKey, str]:
    """Issue a key of a realm."""
    return keys.issue_key(realm=realm, name="test", by=Actor.person(realm.owner), **options)


def new_realm(owner: str = "alice", slug: str = "default", **settings: Any) -> Realm:
    """Make a realm of `owner`, who is made too if need be."""
    user = User.objects.filter(email=f"{owner}@example.com").first() or new_owner(owner)
    realm = create_realm(owner=user, slug=slug, by=OPERATOR)
    for name, value in settings.items():
        setattr(realm, name, value)
    realm.save()
    return realm


def caller_of(key: str) -> Caller:
    """Return the caller who presents a key, for tests that call a rule."""
    found = identity.look_up(key)
    assert found is not None
    return Caller(key=found, scopes=found.scopes, named_session=None, request_id="test")


def new_agent(key: str, name: str, kind: str = "interactive", **said: Any) -> Agent:
    """Register a session with a key and return the agent that acts as it."""
    return Agent(key, register_session(caller=caller_of(key), new=NewSession(name=name, kind=kind, **said)))
