"""The stage on which changes happen: the cast, and how each of them appears in the audit log."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import jwt

from hub.grants.models import Grant
from hub.wire import rfc3339
from realms.models import ApiKey, Realm
from tests.admin.pages import Pages
from tests.audit.log import CLIENT_ADDRESS, OPERATORS_ADDRESS, REQUEST_ID, Said
from tests.cast import Agent
from tests.tokens.signing import Signer


@dataclass(frozen=True)
class Stage:
    """Alice's realm and whoever changes something in it.

    Attributes:
        holder: has the realm's key, with which all of its sessions are registered.
        signer: a session with a key pair.
        operator: Olivia in the admin; her requests carry an id too.
    """

    realm: Realm
    key: ApiKey
    holder: Agent
    alice: Agent
    bob: Agent
    signer: Signer
    operator: Pages

    def anew(self) -> Self:
        """Return the stage with the realm and the key as the database has them now."""
        realm, key = Realm.objects.get(pk=self.realm.pk), ApiKey.objects.get(pk=self.key.pk)
        return replace(self, realm=realm, key=key)

    def by_key(self, action: str, target: str, **details: Any) -> Said:
        """Return the event of a change that was made with the key, as no session."""
        return self._asked("key", self.key.pk, action, target, details)

    def by_session(self, session: Agent, action: str, target: str, **details: Any) -> Said:
        """Return the event of a change that a session made."""
        return self._asked("session", session.id, action, target, details)

    def by_operator(self, action: str, target: str, **details: Any) -> Said:
        """Return the event of a change that Olivia made in the admin."""
        actor = ("operator", "olivia@example.com")
        return Said(action, target, self.realm.pk, actor, REQUEST_ID, OPERATORS_ADDRESS, details)

    def by_worker(self, task: str, action: str, target: str, **details: Any) -> Said:
        """Return the event of a change that a periodic task made."""
        return Said(action, target, self.realm.pk, ("worker", task), details=details)

    def by_command(self, command: str, action: str, target: str, **details: Any) -> Said:
        """Return the event of a change that a management command made."""
        return Said(action, target, self.realm.pk, ("command", command), details=details)

    @staticmethod
    def jti_of(token: str) -> str:
        """Return the `jti` claim of a token: what a log may keep of it."""
        claims = jwt.decode(token, options={"verify_signature": False})
        return str(claims["jti"])

    def _asked(self, kind: str, name: str, action: str, target: str, details: dict[str, Any]) -> Said:
        return Said(action, target, self.realm.pk, (kind, name), REQUEST_ID, CLIENT_ADDRESS, details)


@dataclass(frozen=True)
class Change:
    """A change of control state, ready to be made.

    Attributes:
        make: makes it.
        events: returns what the log then has to say, from what `make` returned.
    """

    make: Callable[[], Any]
    events: Callable[[Any], list[Said]]


Prepare = Callable[[Stage], Change]


def about(grant_id: str, **changes: Any) -> dict[str, Any]:
    """Return the details of the events of a grant of `project.*` to read memory."""
    grant = Grant.objects.get(pk=grant_id)
    return {
        "from": grant.requester_id,
        "to": grant.grantor_id,
        "capability": "memory.read",
        "namespace": "project.*",
        "expires_at": rfc3339(grant.expires_at),
        **changes,
    }
