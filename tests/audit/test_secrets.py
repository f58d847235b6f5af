"""No event holds a payload, a value, free text or a secret."""

import base64
from typing import Any

from django.core import serializers

from realms.key_format import digest_of
from realms.keys import GRACES, issue_key, rotate_key
from realms.models import ApiKeySecret, AuditEvent
from tests.audit.stage import Prepare, Stage
from tests.audit.test_events import CHANGES
from tests.cases import cases
from tests.cast import OPERATOR, Agent

CANARY = "canary-7f3a"


def _written() -> str:
    """Return all columns of all events as text, bytes as they stand in Base64 and in hexadecimal."""
    previous = "".join(bytes(event.previous).hex() for event in AuditEvent.objects.all())
    return str(serializers.serialize("json", AuditEvent.objects.all())) + previous


def _secrets_of(plaintext: str) -> list[str]:
    return [plaintext, plaintext[5:37], *_forms_of(digest_of(plaintext))]


def _forms_of(digest: bytes) -> list[str]:
    return [digest.hex(), base64.b64encode(digest).decode(), base64.urlsafe_b64encode(digest).decode()]


@cases("prepare", CHANGES.values(), ids=CHANGES.keys())
def test_no_change_writes_a_secret_of_the_keys(stage: Stage, prepare: Prepare) -> None:
    assert stage.holder.key is not None

    prepare(stage.anew()).make()

    written = _written()
    hidden = _secrets_of(stage.holder.key)
    for secret in ApiKeySecret.objects.all():
        hidden += _forms_of(bytes(secret.digest))
    assert not [text for text in hidden if text in written]


def test_free_text_and_content_stay_out(stage: Stage) -> None:
    said: dict[str, Any] = {"manifest": {"note": CANARY}, "name": "dora", "kind": "executor"}
    session = stage.holder.post("sessions", said).json["id"]
    dora = Agent(stage.holder.key)
    stage.alice.send(stage.bob, payload={"text": CANARY})
    assert stage.bob.post("memory", {"entries": [{"key": "project.a", "value": CANARY}]}).status == 200
    grant_id = stage.bob.grant(stage.alice, "memory.delete", "project.*", reason=CANARY)
    assert stage.alice.delete("memory/project.a").status == 200
    assert stage.bob.delete(f"grants/{grant_id}").status == 200
    assert dora.delete(f"sessions/{session}").status == 200

    assert CANARY not in _written()


def test_tokens_and_new_secrets_stay_out(stage: Stage) -> None:
    bearer = stage.signer.bearer()
    issued = bearer.post(f"sessions/{bearer.id}/token").json["token"]
    _, second = issue_key(realm=stage.realm, name="second", by=OPERATOR)
    rotated = rotate_key(key=stage.key, grace=GRACES["1h"], by=OPERATOR)

    written = _written()
    logged = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"token.issued", "key.issued", "key.rotated"} <= logged
    assert bearer.token is not None
    for token in (issued, bearer.token):
        assert not [part for part in token.split(".") if part in written]
    assert not [text for text in _secrets_of(second) + _secrets_of(rotated) if text in written]
