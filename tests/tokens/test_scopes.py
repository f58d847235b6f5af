"""What a token allows: never more than its key, and less if it says so."""

from typing import Any

import jwt
import pytest

from hub.messages.models import Message
from realms.models import ApiKey, Realm
from tests.cases import cases
from tests.cast import Agent, Answer, new_key
from tests.rows import forget_credentials
from tests.tokens.presenting import accepts, assert_refused
from tests.tokens.signing import Signer, hub_token, issued


def reads(agent: Agent) -> Answer:
    return agent.get("messages")


def writes(agent: Agent) -> Answer:
    return agent.send(agent)


def assert_may(agent: Agent, *scopes: str) -> None:
    """Check that these are the scopes of an agent's credential, and not the others."""
    for scope, act in (("read", reads), ("write", writes)):
        answer = act(agent)
        if scope in scopes:
            assert answer.status == 200
        else:
            assert (answer.status, answer.code) == (403, "scope_missing")


@pytest.fixture(params=["hub", "self"])
def with_scope(request: pytest.FixtureRequest, signer: Signer) -> Any:
    """Return an agent of a token with a claim `scope`, of either issuer."""

    def make(scope: str | None) -> Agent:
        if request.param == "self":
            return signer.bearer(scope=scope)
        return Agent(None, signer.session, token=hub_token(signer.agent, scope=scope))

    return make


@cases(
    ("scope", "scopes"),
    [
        (None, ["read", "write"]),
        ("read write", ["read", "write"]),
        ("write read", ["read", "write"]),
        ("read read", ["read"]),
        ("read", ["read"]),
        ("write", ["write"]),
    ],
)
def test_the_claim_narrows(with_scope: Any, scope: str | None, scopes: list[str]) -> None:
    assert_may(with_scope(scope), *scopes)


@cases(
    "scope",
    [
        "",
        " ",
        "admin",
        "read admin",
        "READ",
        "read  write",
        " read",
        "read ",
        "read,write",
        "read\twrite",
        "*",
    ],
)
def test_a_scope_that_there_is_not_is_refused(with_scope: Any, scope: str) -> None:
    """Rather than be taken for less, or for all."""
    assert accepts(with_scope("read").token)

    assert_refused(with_scope(scope).token)


@cases("text", ['["read"]', "1", "true", "{}", "[]"])
def test_the_claim_is_a_text(signer: Signer, text: str) -> None:
    assert accepts(signer.written(scope='"read"'))

    assert_refused(signer.written(scope=text))


@cases("scopes", [["read"], ["write"]])
@cases("claim", [None, "read write"])
def test_a_token_never_allows_what_its_key_does_not(
    realm: Realm, scopes: list[str], claim: str | None
) -> None:
    signer = Signer(new_key(realm, scopes=scopes)[1], "narrow")

    assert_may(signer.bearer(scope=claim), *scopes)
    assert_may(Agent(None, signer.session, token=hub_token(signer.agent, scope=claim)), *scopes)


def test_a_read_only_key_writes_by_no_token(realm: Realm) -> None:
    signer = Signer(new_key(realm, scopes=["read"])[1], "reader")
    reader = signer.bearer(scope="read write")
    assert reads(reader).status == 200

    for answer in (
        reader.send(reader),
        reader.post("memory", {"entries": [{"key": "a", "value": 1}]}),
        reader.post(f"sessions/{reader.id}/token"),
        signer.agent.post(f"sessions/{reader.id}/token"),
        reader.post("messages/ack", {"up_to": "msg_01HX9J2N3PQRSTVWXYZ0123456"}),
        reader.delete(f"sessions/{reader.id}"),
    ):
        assert (answer.status, answer.code) == (403, "scope_missing")
    assert not Message.objects.exists()


@cases("scopes", [["read"], ["write"], ["read", "write"], ["write", "read"]])
def test_a_token_is_issued_with_the_scopes_wished_for(alice: Agent, scopes: list[str]) -> None:
    token = issued(alice, scopes=scopes)

    said = jwt.decode(token, options={"verify_signature": False})["scope"]
    assert said.split(" ") == sorted(scopes)
    assert_may(Agent(None, alice.session, token=token), *scopes)


def test_without_a_wish_it_has_those_of_whoever_asks(realm: Realm, signer: Signer) -> None:
    writer = Signer(new_key(realm, scopes=["write"])[1], "writer")
    for asker in (writer.agent, writer.bearer(), signer.bearer(scope="write")):
        assert_may(Agent(None, asker.session, token=issued(asker)), "write")


@pytest.mark.parametrize("scopes", [["read"], ["read", "write"]])
def test_nobody_gives_a_token_what_they_lack(realm: Realm, signer: Signer, scopes: list[str]) -> None:
    writer = Signer(new_key(realm, scopes=["write"])[1], "writer")
    narrowed = Agent(None, signer.session, token=issued(signer.agent, scopes=["write"]))

    for asker in (writer.agent, writer.bearer(), signer.bearer(scope="write"), narrowed):
        answer = asker.post(f"sessions/{asker.id}/token", {"scopes": scopes})
        assert (answer.status, answer.code) == (403, "scope_missing")
        assert "read" in answer.json["detail"]
        issued(asker, scopes=["write"])


def test_a_token_loses_what_its_key_loses(signer: Signer) -> None:
    agent = Agent(None, signer.session, token=issued(signer.agent))
    assert_may(agent, "read", "write")

    ApiKey.objects.update(scopes=["read"])
    forget_credentials()

    assert_may(agent, "read")
