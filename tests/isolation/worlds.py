"""A world: alice's realm, mallory's, and credentials in every state."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from hub.sessions.models import Session
from hub.tokens.signing_keys import signer
from realms.key_format import digest_of, new_plaintext
from realms.models import ApiKey, ApiKeySecret, Realm
from tests.isolation.tenants import Tenant, new_key, new_realm, new_session, new_tenant


@dataclass(frozen=True)
class World:
    """Two tenants, and whoever else may call.

    Attributes:
        suspended: a realm of mallory's that is suspended.
        keys: plaintexts of keys, by what became of them or what they may.
        sessions: sessions of those keys, which can sign tokens.
    """

    alice: Tenant
    mallory: Tenant
    suspended: Realm
    keys: Mapping[str, str]
    sessions: Mapping[str, Session]


def new_world() -> World:
    """Fill both realms and issue the keys."""
    alice, mallory = new_tenant("alice", "canary"), new_tenant("mallory", "plain")
    owner = mallory.realm.owner
    suspended = new_realm(owner, "suspended", status=Realm.Status.SUSPENDED)
    past = timezone.now() - timedelta(seconds=1)
    states: dict[str, tuple[Realm, dict[str, Any]]] = {
        "disabled": (alice.realm, {"status": ApiKey.Status.DISABLED}),
        "revoked": (alice.realm, {"status": ApiKey.Status.REVOKED}),
        "expired": (alice.realm, {"expires_at": past}),
        "rotated out": (alice.realm, {}),
        "read": (alice.realm, {"scopes": ["read"]}),
        "write": (alice.realm, {"scopes": ["write"]}),
        "suspended": (suspended, {}),
    }
    keys = {"never issued": new_plaintext()}
    sessions = {}
    for state, (realm, members) in states.items():
        key, keys[state] = new_key(realm, f"{alice.word} {state}", **members)
        sessions[state] = new_session(key, f"{alice.word}-{state.replace(' ', '-')}", alice.word)
    ApiKeySecret.objects.filter(digest=digest_of(keys["rotated out"])).update(expires_at=past)
    signer()  # makes the hub's own key, which is there from the first token on
    return World(alice, mallory, suspended, keys, sessions)
