"""A token acts as its `sub`, and as nobody else."""

import base64
from typing import Any

import pytest
import rfc8785
from pytest_django import DjangoCaptureOnCommitCallbacks

from hub.messages.models import Message
from hub.sessions.models import Session
from realms.audit.models import AuditEvent
from tests.cases import cases
from tests.cast import Agent
from tests.rows import seen_ago, status_of
from tests.tokens.signing import Signer, issued


@pytest.fixture(params=["hub", "self"])
def bearer(request: pytest.FixtureRequest, signer: Signer, sibling: Signer) -> Agent:
    """The signer's session with a token of either issuer; its key has a second session."""
    if request.param == "self":
        return signer.bearer()
    return Agent(None, signer.session, token=issued(signer.agent))


def named(agent: Agent) -> dict[str, str]:
    return {"X-AISP-Session": agent.id}


def test_it_polls_its_own_inbox(bearer: Agent, signer: Signer, sibling: Signer) -> None:
    sibling.agent.send(signer.agent, payload={"text": "for the signer"})
    signer.agent.send(sibling.agent, payload={"text": "for the sibling"})

    assert [message["payload"]["text"] for message in bearer.inbox()] == ["for the signer"]


@cases(
    ("method", "path", "body"),
    [
        ("GET", "messages", None),
        ("GET", "messages?peek=true", None),
        ("POST", "messages/ack", {"up_to": "msg_01HX9J2N3PQRSTVWXYZ0123456"}),
        ("GET", "messages/msg_01HX9J2N3PQRSTVWXYZ0123456", None),
        ("GET", "memory", None),
        ("POST", "memory", {"entries": [{"key": "a", "value": 1}]}),
        ("DELETE", "memory/a", None),
        ("GET", "grants", None),
        ("POST", "grants", {"to": "sess_01HX9J2N3PQRSTVWXYZ0123456", "capability": "delegate.receive"}),
        ("POST", "grants/grant_01HX9J2N3PQRSTVWXYZ0123456/approve", None),
        ("DELETE", "grants/grant_01HX9J2N3PQRSTVWXYZ0123456", None),
    ],
)
def test_it_may_name_itself_and_no_sibling(
    bearer: Agent,
    signer: Signer,
    sibling: Signer,
    charlie: Agent,
    foreigner: Signer,
    method: str,
    path: str,
    body: Any,
) -> None:
    for name in (signer.id, signer.id.lower()):
        answer = bearer.call(method, path, body, headers={"X-AISP-Session": name})
        assert answer.status in (200, 404), answer.json
    by_key = signer.agent.call(method, path, body, headers=named(sibling.agent))
    assert by_key.json.get("code") != "session_not_owned"

    for other in (sibling.agent, charlie, foreigner.agent):
        answer = bearer.call(method, path, body, headers=named(other))
        assert (answer.status, answer.code) == (403, "session_not_owned")


def test_a_malformed_name_is_refused(bearer: Agent) -> None:
    assert bearer.get("messages", headers={"X-AISP-Session": "sess_"}).code == "invalid_request"


def test_it_sends_from_itself(bearer: Agent, signer: Signer, sibling: Signer) -> None:
    assert bearer.send(sibling.agent).status == 200
    assert bearer.send(sibling.agent, **{"from": signer.id.lower()}).status == 200

    assert [message["from"] for message in sibling.agent.inbox()] == [signer.id] * 2


@cases("category", ["message", "delegate", "event", "ping", "pong"])
def test_it_sends_from_nobody_else(
    bearer: Agent, signer: Signer, sibling: Signer, charlie: Agent, foreigner: Signer, category: str
) -> None:
    payload = {"nonce": "1"}
    others = [sibling.id, sibling.id.lower(), charlie.id, foreigner.id]
    assert bearer.send(bearer, category, payload=payload).status == 200
    before = Message.objects.count()

    for other in others:
        answer = bearer.send(bearer, category, payload=payload, **{"from": other})
        assert (answer.status, answer.code) == (403, "session_not_owned")
        answer = bearer.post(
            "messages",
            {"aisp": "0.1", "from": other, "to": bearer.id, "category": category, "payload": payload},
            headers=named(sibling.agent),
        )
        assert (answer.status, answer.code) == (403, "session_not_owned")
    assert Message.objects.count() == before


def test_a_signature_of_the_sibling_does_not_help(bearer: Agent, signer: Signer, sibling: Signer) -> None:
    def signed(by: Signer) -> dict[str, Any]:
        members: dict[str, Any] = {
            "aisp": "0.1",
            "from": by.id,
            "to": signer.id,
            "category": "message",
            "payload": {},
        }
        signature = by.private_key.sign(rfc8785.dumps(members))
        return {**members, "sig": "ed25519:" + base64.b64encode(signature).decode()}

    assert bearer.post("messages", signed(signer)).status == 200
    assert signer.agent.post("messages", signed(sibling)).status == 200

    answer = bearer.post("messages", signed(sibling))

    assert (answer.status, answer.code) == (403, "session_not_owned")


def test_memory_that_it_writes_is_its_own(bearer: Agent, signer: Signer, sibling: Signer) -> None:
    assert bearer.post("memory", {"entries": [{"key": "notes.a", "value": 1}]}).status == 200

    assert signer.agent.get("memory").json["entries"][0]["owner"] == signer.id
    assert sibling.bearer().get("memory").json["entries"] == []
    assert sibling.bearer().get("memory?namespace=notes").status == 403


def test_a_sibling_needs_a_grant_like_anybody(bearer: Agent, signer: Signer, sibling: Signer) -> None:
    bearer.post("memory", {"entries": [{"key": "notes.a", "value": 1}]})

    grant_id = bearer.grant(sibling.bearer(), "memory.read", "notes.*")

    assert sibling.bearer().get("memory?namespace=notes").status == 200
    assert bearer.delete(f"grants/{grant_id}").status == 200
    assert sibling.bearer().get("memory?namespace=notes").status == 403


def test_it_does_not_decide_for_a_sibling(bearer: Agent, signer: Signer, sibling: Signer) -> None:
    wish = {"to": sibling.id, "capability": "memory.read", "namespace": "a.*"}
    grant_id = bearer.post("grants", wish).json["grant_id"]

    answer = bearer.post(f"grants/{grant_id}/approve")

    assert answer.status == 403
    assert sibling.bearer().post(f"grants/{grant_id}/approve").status == 200


def test_it_does_not_register(bearer: Agent, signer: Signer) -> None:
    wish = {"name": "agent", "kind": "service"}

    answer = bearer.post("sessions", wish)

    assert (answer.status, answer.code) == (403, "api_key_required")
    assert not Session.objects.filter(name="agent").exists()
    assert signer.agent.post("sessions", wish).status == 200


def test_it_deregisters_itself_and_no_sibling(bearer: Agent, signer: Signer, sibling: Signer) -> None:
    answer = bearer.delete(f"sessions/{sibling.id}")
    assert (answer.status, answer.code) == (403, "session_not_owned")
    assert status_of(sibling.agent) == "active"

    assert bearer.delete(f"sessions/{signer.id}").status == 200
    assert status_of(signer.agent) == "deregistered"
    event = AuditEvent.objects.get(action="session.deregistered")
    assert (event.actor_kind, event.actor) == ("session", signer.id)
    assert signer.agent.delete(f"sessions/{sibling.id}").status == 200  # the key may


def test_it_deregisters_nobody_of_another_realm(bearer: Agent, foreigner: Signer) -> None:
    assert bearer.delete(f"sessions/{foreigner.id}").code == "session_not_found"
    assert status_of(foreigner.agent) == "active"


def test_it_sees_its_own_realm_alone(
    bearer: Agent, signer: Signer, sibling: Signer, foreigner: Signer
) -> None:
    listed = bearer.get("sessions").json["sessions"]

    assert {session["id"] for session in listed} == {signer.id, sibling.id}
    assert bearer.get(f"sessions/{foreigner.id}").code == "session_not_found"
    assert bearer.get("sessions?realm=other").code == "realm_access_denied"


def test_acting_makes_an_inactive_session_active(
    bearer: Agent, signer: Signer, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    seen_ago(signer.agent, status=Session.Status.INACTIVE, hours=1)

    with django_capture_on_commit_callbacks(execute=True):
        assert bearer.get("messages").status == 200

    assert status_of(signer.agent) == "active"
