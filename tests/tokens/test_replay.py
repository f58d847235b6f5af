"""A token request with an Idempotency-Key, and where a token is kept."""

import io
import logging
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from config import log
from realms.audit.models import AuditEvent
from tests.cast import Agent, Answer
from tests.tokens.presenting import accepts, assert_refused
from tests.tokens.signing import Signer, issued

ONCE = {"Idempotency-Key": "token-1"}


def asked(agent: Agent, *, of: Agent | None = None, body: Any = None) -> Answer:
    return agent.post(f"sessions/{(of or agent).id}/token", body, headers=ONCE)


def parts_of(token: str) -> list[str]:
    """Return what of a token could give it away: its claims are no secret, but with the rest they are."""
    _, claims, signature = token.split(".")
    return [claims, signature]


def test_the_very_same_token_comes_again(alice: Agent) -> None:
    first = asked(alice, body={"ttl_seconds": 60})
    assert first.status == 200 and "Idempotent-Replayed" not in first.headers

    again = asked(alice, body={"ttl_seconds": 60})

    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert accepts(again.json["token"])
    assert AuditEvent.objects.filter(action="token.issued").count() == 1
    assert issued(alice) != first.json["token"]


@pytest.mark.parametrize("body", [{"ttl_seconds": 61}, {"scopes": ["read"]}, {}])
def test_not_for_another_wish(alice: Agent, body: Any) -> None:
    asked(alice, body={"ttl_seconds": 60})

    answer = asked(alice, body=body)

    assert (answer.status, answer.code) == (422, "idempotency_key_reused")


def test_not_for_another_session(signer: Signer, sibling: Signer, charlie: Agent, foreigner: Signer) -> None:
    token = asked(signer.bearer()).json["token"]
    assert asked(signer.bearer()).json["token"] == token

    assert asked(signer.bearer(), of=sibling.agent).code == "idempotency_key_reused"
    assert asked(sibling.bearer(), of=signer.agent).code == "session_not_owned"
    assert asked(sibling.bearer()).json["token"] != token
    assert asked(charlie, of=signer.agent).code == "session_not_owned"
    assert asked(foreigner.bearer(), of=signer.agent).code == "session_not_found"


def test_not_for_a_token_of_the_session_that_the_key_named(signer: Signer, sibling: Signer) -> None:
    """Whoever holds the token of one session gets no token of another that the key asked for."""
    path = f"sessions/{sibling.id}/token"
    by_key = signer.agent.post(path, {}, headers=ONCE)
    assert by_key.status == 200

    by_token = signer.bearer().post(path, {}, headers=ONCE)

    assert (by_token.status, by_token.code) == (403, "session_not_owned")
    assert signer.agent.post(path, {}, headers=ONCE).json == by_key.json


def test_not_for_a_credential_with_fewer_scopes(signer: Signer) -> None:
    """It would get by its name what it may not ask for."""
    token = asked(signer.bearer()).json["token"]
    narrowed = signer.bearer(scope="write")

    answer = asked(narrowed)

    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert asked(signer.bearer()).json["token"] == token
    assert issued(narrowed)


def test_no_table_holds_a_token_in_clear(alice: Agent, signer: Signer) -> None:
    """Neither of those that the hub issued nor of those that it saw."""
    tokens = [asked(alice).json["token"], issued(signer.agent), signer.token()]
    for token in tokens:
        assert accepts(token)
    assert_refused(tokens[0][:-8] + "AAAAAAAA")

    rows = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            rows += [
                repr(bytes(cell) if isinstance(cell, memoryview) else cell) for row in cursor for cell in row
            ]

    assert any(alice.id[5:] in row or "token.issued" in row for row in rows), "it looked at nothing"
    for part in [part for token in tokens for part in parts_of(token)]:
        assert not [row for row in rows if part in row]


def test_no_log_line_holds_a_token(
    alice: Agent, signer: Signer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(log._Lines.handler, "stream", written)  # the hub's own lines
    caplog.set_level(logging.DEBUG)
    for name in ("django.request", "django.db.backends", "uvicorn.access"):
        caplog.set_level(logging.DEBUG, logger=name)
    tokens = [asked(alice).json["token"], issued(signer.agent), signer.token()]
    forged = tokens[0][:-8] + "AAAAAAAA"

    for token in tokens:
        assert accepts(token)
        Agent(None, token=token).post(f"sessions/{signer.id}/token", {"ttl_seconds": 1})
        signer.agent.get("sessions", headers={"Authorization": f"Bearer {token}"})
    assert_refused(forged)

    lines = [repr(vars(record)) for record in caplog.records] + [caplog.text, written.getvalue()]
    assert any("invalid_credentials" in line for line in lines), "it looked at nothing"
    for part in [part for token in [*tokens, forged] for part in parts_of(token)]:
        assert not [line for line in lines if part in line]
