"""The hub as a model: a realm in plain Python, to be read beside the contract.

A method is an operation: it returns the answer that the hub has to give, or raises `Refused` with the
status and code that it has to refuse with, and then nothing has changed. Where an operation makes
something, its id is passed in, as the hub gave it. What a realm does with sessions and inboxes is in
`tests.model.inboxes`; here are grants, and the memory that they open.
"""

from typing import Any

from tests.model.inboxes import Inboxes
from tests.model.things import (
    ACTIVE,
    DENIED,
    EXPIRED,
    PENDING,
    REVOKED,
    SOME_TIME,
    Entry,
    Grant,
    Json,
    Refused,
    Session,
    ahead,
    is_narrower,
)

MEMORY_CAPABILITIES = ("memory.read", "memory.write", "memory.delete")


class Grants(Inboxes):
    """Who asked whom for what, and what became of it."""

    def request(self, wish: Grant) -> Json:
        """Of another session, for what it declared or its memory; the same is pending once."""
        requester, grantor = self.acting(wish.requester), wish.grantor
        if grantor is requester:
            raise Refused(400, "invalid_request")
        if not self.has(grantor):
            raise Refused(404, "session_not_found")
        if wish.capability not in (*MEMORY_CAPABILITIES, *grantor.capabilities):
            raise Refused(400, "invalid_capability")
        if (wish.namespace is not None) != (wish.capability in MEMORY_CAPABILITIES):
            raise Refused(400, "invalid_namespace")
        owner = self.owners.get((wish.namespace or "").split(".")[0])
        if owner is not None and not wish.of(owner):
            raise Refused(400, "invalid_namespace")
        if wish.expires_at <= ahead():
            raise Refused(400, "invalid_request")
        same = [grant for grant in self.grants if grant.status == PENDING and _is_same(grant, wish)]
        if any(grant.is_open for grant in same):
            raise Refused(409, "grant_already_pending")
        # An overdue request of the same makes room first: it expires, and the grantor is told of that.
        if grantor.unread + len(same) >= self.inbox_limit:
            raise Refused(429, "inbox_full")
        for grant in same:
            self._expire(grant)
        self.grants.append(wish)
        self.tell(wish, "requested", requester, grantor)
        return {"grant_id": wish.id, "status": PENDING, "to": grantor.id, "capability": wish.capability}

    def approve(
        self, grantor: Session, grant: Grant, namespace: str | None = None, expires_at: str | None = None
    ) -> Json:
        """By who was asked, once, of as much as was asked or less."""
        self._pending(grantor, grant)
        if namespace is not None and not is_narrower(namespace, grant.namespace or ""):
            raise Refused(400, "invalid_namespace")
        if expires_at is not None and not ahead() < expires_at <= grant.expires_at:
            raise Refused(400, "invalid_request")
        grant.namespace = namespace or grant.namespace
        grant.expires_at = expires_at or grant.expires_at
        grant.status = ACTIVE
        self.tell(grant, "approved", grantor, grant.requester)
        return grant.answer()

    def deny(self, grantor: Session, grant: Grant) -> Json:
        """By who was asked, once."""
        self._pending(grantor, grant)
        grant.status = DENIED
        self.tell(grant, "denied", grantor, grant.requester)
        return grant.answer()

    def revoke(self, session: Session, grant: Grant) -> Json:
        """By either side, of what is pending or active; the other side is told."""
        self._mine(session, grant)
        if not grant.is_open:
            raise Refused(409, "grant_already_ended")
        grant.status = REVOKED
        self.tell(grant, "revoked", session, grant.other_side(session))
        return {"revoked": True, "grant_id": grant.id}

    def look_at(self, session: Session, grant: Grant) -> Json:
        """For either side."""
        self._mine(session, grant)
        return grant.answer()

    def list_grants(self, session: Session, direction: str | None, status: str | None) -> Json:
        """One's own, the open ones if no status is given, oldest first."""
        self.acting(session)
        sides = {"incoming": lambda g: (g.grantor,), "outgoing": lambda g: (g.requester,)}
        sides_of = sides.get(direction or "", lambda g: (g.grantor, g.requester))
        found = [
            grant.answer()
            for grant in sorted(self.grants, key=lambda grant: grant.id)
            if session in sides_of(grant) and (grant.status_now == status if status else grant.is_open)
        ]
        return {"grants": found}

    def expire_overdue(self) -> int:
        """The worker: tell both sides of every grant that is overdue, in the order of their times."""
        overdue = [grant for grant in self.grants if grant.status in (PENDING, ACTIVE) and not grant.is_open]
        for grant in sorted(overdue, key=lambda grant: grant.expires_at):
            self._expire(grant)
        return len(overdue)

    def _expire(self, grant: Grant) -> None:
        grant.status = EXPIRED
        self.tell(grant, "expired", None, grant.requester, grant.grantor)

    def _mine(self, session: Session, grant: Grant) -> None:
        self.acting(session)
        if grant not in self.grants:
            raise Refused(404, "grant_not_found")
        if not grant.of(session):
            raise Refused(403, "grant_not_yours")

    def _pending(self, grantor: Session, grant: Grant) -> None:
        self._mine(grantor, grant)
        if grantor is not grant.grantor:
            raise Refused(403, "grant_not_yours")
        if grant.status_now != PENDING:
            raise Refused(409, "grant_not_pending")


class Realm(Grants):
    """All of it: a store of entries by key, whose first segment is a namespace with one owner."""

    def check_right(self, session: Session, path: str, body: Json) -> None:
        """Who may not do it any more gets no answer that was kept for it."""
        self.acting(session)
        if path == "memory" and not all(
            self._may(session, entry["key"], "memory.write") for entry in body["entries"]
        ):
            raise Refused(403, "grant_required")

    def write(self, session: Session, writes: list[tuple[str, Any, int | None]]) -> Json:
        """All entries (key, value, `if_version`) or none. Who first writes a namespace owns it."""
        self.acting(session)
        keys = [key for key, _, _ in writes]
        if len(set(keys)) < len(keys):
            raise Refused(400, "invalid_request")
        if not all(self._may(session, key, "memory.write") for key in keys):
            raise Refused(403, "grant_required")
        if any(version not in (None, self._version(key)) for key, _, version in writes):
            raise Refused(409, "version_conflict")
        for key, value, _ in writes:
            self.owners.setdefault(key.split(".")[0], session)
            self.entries[key] = Entry(value, self._version(key) + 1)
        return {"written": len(keys), "entries": keys}

    def read_namespace(self, session: Session, prefix: str | None) -> Json:
        """What one may read under a key, or of all; 403 if there is something and one may read none of it."""
        self.acting(session)
        there = [key for key in sorted(self.entries) if prefix is None or f"{key}.".startswith(f"{prefix}.")]
        found = [key for key in there if self._may(session, key, "memory.read")]
        if there and not found and prefix is not None:
            raise Refused(403, "grant_required")
        return {"entries": [self._entry(key) for key in found]}

    def get_entry(self, session: Session, key: str) -> Json:
        """One entry, for its owner or under a grant to read."""
        self._reach(session, key, "memory.read")
        return self._entry(key)

    def delete_entry(self, session: Session, key: str) -> Json:
        """By its owner or under a grant to delete. The namespace stays its owner's."""
        self._reach(session, key, "memory.delete")
        del self.entries[key]
        return {"deleted": True, "key": key}

    def _reach(self, session: Session, key: str, capability: str) -> None:
        self.acting(session)
        if key not in self.entries:
            raise Refused(404, "memory_key_not_found")
        if not self._may(session, key, capability):
            raise Refused(403, "grant_required")

    def _may(self, session: Session, key: str, capability: str) -> bool:
        owner = self.owners.get(key.split(".")[0], session)
        return owner is session or self.allows(session, owner, capability, key)

    def _version(self, key: str) -> int:
        return self.entries[key].version if key in self.entries else 0

    def _entry(self, key: str) -> Json:
        return {
            "key": key,
            "value": self.entries[key].value,
            "owner": self.owners[key.split(".")[0]].id,
            "updated_at": SOME_TIME,
            "version": self.entries[key].version,
        }


def _is_same(one: Grant, other: Grant) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("requester", "grantor", "capability", "namespace")
    )
