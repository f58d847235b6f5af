"""The API reference's own examples, with whole ids in the place of its abbreviated ones."""

from typing import Any

from hub.api.endpoint import Example

FIRST_SESSION = "sess_01HX9J2N3PQRSTVWXYZ0123456"
SECOND_SESSION = "sess_02HX9J2N3PQRSTVWXYZ0123456"
MESSAGE = "msg_01HX9J2N3PQRSTVWXYZ0123456"
GRANT = "grant_01HX9J2N3PQRSTVWXYZ0123456"
KEY = "project.name"
PUBLIC_KEY = "ed25519:MCowBQYDK2VwAyEAgcrEtyxJSRZYtRrVbNnsvMPmpqijTAwLvbKpapG6b0s="
REGISTERED_AT = "2026-04-06T09:00:00.000000Z"

PATH_PARAMETERS = {"session_id": FIRST_SESSION, "message_id": MESSAGE, "grant_id": GRANT, "key": KEY}

_TASK = {"task": "summarize", "input": {"file": "README.md"}}
_GRANT_DETAIL: dict[str, Any] = {
    "id": GRANT,
    "from": FIRST_SESSION,
    "to": SECOND_SESSION,
    "capability": "memory.read",
    "namespace": "project.*",
    "status": "active",
    "expires_at": "2026-04-07T00:00:00.000000Z",
}
_ENTRY = {
    "key": KEY,
    "value": "My Project",
    "owner": FIRST_SESSION,
    "updated_at": "2026-04-06T09:02:00.000000Z",
    "version": 1,
}

REGISTER = Example(
    body={
        "name": "my-agent",
        "kind": "interactive",
        "realm": "default",
        "capabilities": ["memory.read", "memory.write", "delegate.receive"],
        "public_key": PUBLIC_KEY,
    },
    answer={
        "id": FIRST_SESSION,
        "name": "my-agent",
        "kind": "interactive",
        "realm": "default",
        "status": "active",
        "created_at": REGISTERED_AT,
    },
)
LIST_SESSIONS = Example(
    answer={
        "sessions": [
            {"id": FIRST_SESSION, "name": "my-agent", "kind": "interactive", "status": "active"},
            {"id": SECOND_SESSION, "name": "worker", "kind": "executor", "status": "active"},
        ],
        "total": 2,
    }
)
GET_SESSION = Example(
    answer={
        "id": FIRST_SESSION,
        "name": "my-agent",
        "kind": "interactive",
        "realm": "default",
        "status": "active",
        "capabilities": ["memory.read", "memory.write"],
        "public_key": PUBLIC_KEY,
        "manifest": {"description": "Answers questions about the project."},
        "connected": False,
        "created_at": REGISTERED_AT,
        "last_seen": "2026-04-06T09:05:00.000000Z",
    }
)
DEREGISTER = Example(answer={"message": "Session deregistered."})
ISSUE_TOKEN = Example(
    body={"ttl_seconds": 900, "scopes": ["read", "write"]},
    answer={
        "token": "eyJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
        "token_type": "Bearer",
        "expires_at": "2026-04-06T09:15:00.000000Z",
        "session": FIRST_SESSION,
    },
)
JWKS = Example(
    answer={
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "alg": "EdDSA",
                "use": "sig",
            }
        ]
    }
)
PING = Example(body={"nonce": "abc123"}, answer={"status": "alive", "latency_ms": 2, "nonce": "abc123"})

SEND = Example(
    body={
        "aisp": "0.1",
        "from": FIRST_SESSION,
        "to": SECOND_SESSION,
        "realm": "default",
        "category": "delegate",
        "payload": _TASK,
    },
    answer={"message_id": MESSAGE, "status": "queued", "delivered": False},
)
POLL = Example(
    answer={
        "messages": [
            {
                "id": MESSAGE,
                "from": SECOND_SESSION,
                "category": "delegate",
                "sent_at": "2026-04-06T09:01:00.000000Z",
                "payload": _TASK,
            }
        ],
        "unread_count": 1,
    }
)
ACKNOWLEDGE = Example(body={"ids": [MESSAGE]}, answer={"acknowledged": 1})
FOLLOW = Example(
    answer={
        "id": MESSAGE,
        "from": FIRST_SESSION,
        "category": "delegate",
        "sent_at": "2026-04-06T09:01:00.000000Z",
        "recipients": [
            {
                "to": SECOND_SESSION,
                "status": "delivered",
                "delivered_at": "2026-04-06T09:01:00.250000Z",
                "read_at": None,
            }
        ],
    }
)
STREAM = Example(
    answer={
        "event": "message",
        "id": MESSAGE,
        "data": (
            f'{{"id":"{MESSAGE}","from":"{SECOND_SESSION}","category":"ping",'
            '"sent_at":"2026-04-06T09:01:00.000000Z","payload":{"nonce":"xyz"},'
            '"expires_at":"2026-04-06T09:01:05.000000Z"}'
        ),
    }
)

READ_MEMORY = Example(
    answer={"entries": [_ENTRY, {**_ENTRY, "key": "project.stage", "value": "planning"}]},
)
WRITE_MEMORY = Example(
    body={"entries": [{"key": KEY, "value": "My Project"}, {"key": "project.stage", "value": "planning"}]},
    answer={"written": 2, "entries": [KEY, "project.stage"]},
)
GET_ENTRY = Example(answer=_ENTRY)
DELETE_ENTRY = Example(answer={"deleted": True, "key": KEY})

REQUEST_GRANT = Example(
    body={
        "to": SECOND_SESSION,
        "capability": "memory.read",
        "namespace": "project.*",
        "expires_at": "2026-04-07T00:00:00Z",
        "reason": "Need to read project context for summarization task.",
    },
    answer={"grant_id": GRANT, "status": "pending", "to": SECOND_SESSION, "capability": "memory.read"},
)
LIST_GRANTS = Example(answer={"grants": [_GRANT_DETAIL]})
GET_GRANT = Example(answer=_GRANT_DETAIL)
APPROVE_GRANT = Example(
    body={"namespace": "project.name", "expires_at": "2026-04-06T12:00:00Z"},
    answer={**_GRANT_DETAIL, "namespace": "project.name", "expires_at": "2026-04-06T12:00:00.000000Z"},
)
DENY_GRANT = Example(body={}, answer={**_GRANT_DETAIL, "status": "denied"})
REVOKE_GRANT = Example(answer={"revoked": True, "grant_id": GRANT})
