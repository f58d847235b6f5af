"""POST /messages with `sig`."""

import base64
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.messages.models import Message
from realms.models import Realm
from tests.cases import cases
from tests.cast import Agent, new_agent
from tests.rows import set_realm, unread_of

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SPKI = PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
RAW = PRIVATE.public_key().public_bytes_raw()


def text_of(content: bytes) -> str:
    return "ed25519:" + base64.b64encode(content).decode()


def signed(envelope: dict[str, Any], by: Ed25519PrivateKey = PRIVATE) -> dict[str, Any]:
    return {**envelope, "sig": text_of(by.sign(rfc8785.dumps(envelope)))}


@pytest.fixture(params=["SPKI", "raw"])
def signer(request: pytest.FixtureRequest, key: str) -> Agent:
    """An agent with a public key, in either form."""
    return new_agent(key, "signer", public_key=text_of(SPKI if request.param == "SPKI" else RAW))


@pytest.fixture
def envelope(signer: Agent, bob: Agent) -> dict[str, Any]:
    """An envelope whose canonical form differs from the usual one in all that it can."""
    return {
        "to": [bob.id.lower()],
        "aisp": "0.1",
        "from": signer.id.lower(),
        "realm": "default",
        "category": "message",
        "expires_at": "2999-01-01T12:00:00+02:00",
        "reply_to": None,
        "payload": {"z": 1.0, "a": -0.0, "é": "\u20ac \x01 \U0001f600", "e": 1e21, "n": [1e-7, 1 / 3]},
    }


def test_a_recipient_can_verify_what_it_polled(signer: Agent, bob: Agent, envelope: dict[str, Any]) -> None:
    sent = signer.post("messages", signed(envelope))
    assert sent.status == 200

    received = bob.inbox()[0]

    assert received["id"] == sent.json["message_id"]
    assert received.pop("sent_at") and received.pop("id")
    signature = base64.b64decode(received.pop("sig").removeprefix("ed25519:"))
    Ed25519PublicKey.from_public_bytes(RAW).verify(signature, rfc8785.dumps(received))
    assert received == envelope


def test_the_signature_of_a_large_envelope_counts_too(
    signer: Agent, bob: Agent, envelope: dict[str, Any]
) -> None:
    large = signed({**envelope, "payload": {"b": "x" * 100_000, "a": 1.0}})

    assert signer.post("messages", large).status == 200
    assert signer.post("messages", {**large, "to": bob.id}).code == "invalid_signature"
    assert [message["sig"] for message in bob.inbox()] == [large["sig"]]


def test_a_recipient_of_one_gets_one(signer: Agent, bob: Agent, envelope: dict[str, Any]) -> None:
    assert signer.post("messages", signed({**envelope, "to": bob.id})).status == 200
    assert bob.inbox()[0]["to"] == bob.id


def test_a_delegate_can_be_signed(signer: Agent, bob: Agent, envelope: dict[str, Any]) -> None:
    bob.grant(signer, "delegate.receive")
    envelope |= {"category": "delegate"}

    assert signer.post("messages", signed(envelope)).status == 200

    assert "capability" not in bob.inbox()[0]  # the sender did not write it


@cases(
    ("member", "value"),
    [
        ("payload", {"z": 2}),
        ("category", "event"),
        ("expires_at", "2999-01-01T10:00:00Z"),
        ("realm", None),
        ("capability", None),
    ],
)
def test_a_changed_envelope_is_refused(
    signer: Agent, bob: Agent, envelope: dict[str, Any], member: str, value: Any
) -> None:
    answer = signer.post("messages", {**signed(envelope), member: value})

    assert (answer.status, answer.code) == (400, "invalid_signature")
    assert answer.json["errors"][0]["pointer"] == "/sig"
    assert answer.json["errors"][0]["detail"]
    assert unread_of(bob) == (0, 0)


def test_a_left_out_member_is_noticed(signer: Agent, bob: Agent, envelope: dict[str, Any]) -> None:
    body = signed(envelope)
    del body["reply_to"]

    assert signer.post("messages", body).code == "invalid_signature"


def test_another_key_is_refused(signer: Agent, envelope: dict[str, Any]) -> None:
    answer = signer.post("messages", signed(envelope, Ed25519PrivateKey.generate()))

    assert (answer.status, answer.code) == (400, "invalid_signature")
    assert not Message.objects.exists()


def test_one_session_cannot_sign_for_another(
    alice: Agent, signer: Agent, bob: Agent, envelope: dict[str, Any]
) -> None:
    answer = signer.post("messages", signed({**envelope, "from": alice.id}))

    assert (answer.status, answer.code) == (400, "invalid_signature")
    assert "public_key" in answer.json["detail"]


def test_numbers_without_a_canonical_form_cannot_be_signed(
    signer: Agent, bob: Agent, envelope: dict[str, Any]
) -> None:
    body = signed(envelope)
    body["payload"] = {"n": 2**53 + 1}

    answer = signer.post("messages", body)

    assert (answer.status, answer.code) == (400, "invalid_signature")
    assert "RFC 8785" in answer.json["detail"]


@cases(
    "sig",
    ["", "ed25519:", "x", "ed25519:" + "A" * 86 + "==\n", "rsa:" + "A" * 86 + "==", "ed25519:" + "A" * 88, 1],
)
def test_a_malformed_signature_is_refused(signer: Agent, envelope: dict[str, Any], sig: Any) -> None:
    answer = signer.post("messages", {**envelope, "sig": sig})

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/sig"


def test_base64_with_loose_ends_is_another_signature(signer: Agent, envelope: dict[str, Any]) -> None:
    body = signed(envelope)
    assert signer.post("messages", body).status == 200
    last = body["sig"][-3]
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    flipped = digits[digits.index(last) ^ 16]

    answer = signer.post("messages", {**body, "sig": body["sig"][:-3] + flipped + "=="})

    assert (answer.status, answer.code) == (400, "invalid_signature")


def test_a_realm_may_require_signatures(
    realm: Realm, signer: Agent, bob: Agent, envelope: dict[str, Any]
) -> None:
    set_realm(realm, require_signatures=True)

    for body in (envelope, {**envelope, "sig": None}):
        answer = signer.post("messages", body)
        assert (answer.status, answer.code) == (400, "signature_required")
    assert not Message.objects.exists()
    assert signer.post("messages", signed(envelope)).status == 200


def test_without_sig_only_the_usual_members_come_back(
    signer: Agent, bob: Agent, envelope: dict[str, Any]
) -> None:
    assert signer.post("messages", envelope).status == 200

    assert set(bob.inbox()[0]) == {"id", "from", "category", "sent_at", "payload", "expires_at"}
