"""The model's first half: sessions and their inboxes. See `tests.model.model`."""

from collections.abc import Callable
from typing import Any

from tests.model.things import (
    ACTIVE,
    DEREGISTERED,
    REVOKED,
    SOME_TIME,
    Delivery,
    Entry,
    Grant,
    Json,
    Message,
    Refused,
    Session,
    covers,
)


class Sessions:
    """Who is there, and which answers were kept for whom."""

    def __init__(self, inbox_limit: int) -> None:
        self.inbox_limit = inbox_limit
        self.sessions: list[Session] = []
        self.grants: list[Grant] = []
        self.owners: dict[str, Session] = {}
        self.entries: dict[str, Entry] = {}
        self.kept: dict[tuple[str, str], tuple[Any, Json]] = {}

    @property
    def live(self) -> list[Session]:
        return [session for session in self.sessions if session.is_live]

    def has(self, session: Session) -> bool:
        """Tell whether `session` is one of the realm's that is not deregistered."""
        return session in self.live

    def acting(self, session: Session) -> Session:
        """Return who acts, whom any act makes active again."""
        if not self.has(session):
            raise Refused(403, "session_not_owned")
        session.status = ACTIVE
        return session

    def kept_answer(self, session: Session, name: str, request: Any) -> Json | None:
        """Return the answer that was kept for the same request under an Idempotency-Key, if there is one."""
        kept, answer = self.kept.get((session.id, name), (request, None))
        if kept != request:
            raise Refused(422, "idempotency_key_reused")
        return answer

    def register(self, id: str, key: str, name: str, kind: str, capabilities: list[str]) -> Session:
        """A name is one live session's, in whatever letters; who has it again inherits its namespaces."""
        if any(session.name.lower() == name.lower() for session in self.live):
            raise Refused(409, "session_name_taken")
        new = Session(id, key, name, kind, capabilities)
        self.sessions.append(new)
        for namespace, owner in self.owners.items():
            if not owner.is_live and (owner.key, owner.name.lower()) == (key, name.lower()):
                self.owners[namespace] = new
        return new

    def get(self, session: Session) -> Json:
        """Any caller of the realm may look at any session of it."""
        if not self.has(session):
            raise Refused(404, "session_not_found")
        return {
            "id": session.id,
            "name": session.name,
            "kind": session.kind,
            "realm": "default",
            "status": session.status,
            "capabilities": session.capabilities,
            "public_key": None,
            "created_at": SOME_TIME,
            "last_seen": SOME_TIME,
            "manifest": {},
            "connected": False,
        }

    def list(self, status: str, kind: str | None, capability: str | None, name: str | None) -> Json:
        """Oldest first; every filter narrows."""
        found = [
            {"id": session.id, "name": session.name, "kind": session.kind, "status": session.status}
            for session in self.live
            if status in ("all", session.status)
            and kind in (None, session.kind)
            and (capability is None or capability in session.capabilities)
            and (name is None or name.lower() == session.name.lower())
        ]
        return {"sessions": found, "total": len(found)}

    def deregister(self, key: str, session: Session) -> Json:
        """By its own key alone: unread messages go, open grants are revoked and the others told."""
        if not self.has(session):
            raise Refused(404, "session_not_found")
        if session.key != key:
            raise Refused(403, "session_not_owned")
        session.status = DEREGISTERED
        session.inbox = [delivery for delivery in session.inbox if delivery.is_read]
        for grant in sorted(self.grants, key=lambda grant: grant.id):
            if grant.of(session) and grant.is_open:
                grant.status = REVOKED
                self.tell(grant, "revoked", session, grant.other_side(session))
        return {"message": "Session deregistered."}

    def tell(self, grant: Grant, event: str, by: Session | None, *to: Session) -> None:
        """Put one notice into the inboxes that are still there, however full they are."""
        payload = {
            "event": event,
            "grant_id": grant.id,
            "from": grant.requester.id,
            "capability": grant.capability,
            "namespace": grant.namespace,
            "expires_at": grant.expires_at,
            "reason": grant.reason,
        }
        if event == "requested":
            payload["approve"] = f"/api/v1/grants/{grant.id}/approve"
            payload["deny"] = f"/api/v1/grants/{grant.id}/deny"
        self.post(Message("", by, list(to), "grant", payload))

    def post(self, message: Message) -> None:
        """Put a message at the end of each inbox that is there."""
        for session in message.to:
            if session.is_live:
                session.inbox.append(Delivery(message))

    def allows(self, requester: Session, grantor: Session, capability: str, key: str | None = None) -> bool:
        """Tell whether an active grant lets `requester` do this, with the memory entry `key` if it is one."""
        return any(
            grant.requester is requester
            and grant.grantor is grantor
            and grant.capability == capability
            and grant.status_now == ACTIVE
            and (key is None or covers(str(grant.namespace), key))
            for grant in self.grants
        )


class Inboxes(Sessions):
    """Messages: to all or none, in the order of each inbox, each read once."""

    def send(self, sender: Session, message: Message) -> Json:
        """To known sessions, of which one must hold a grant to delegate, and with room in every inbox."""
        if len(set(message.to)) < len(message.to):
            raise Refused(400, "invalid_request")
        self.acting(sender)
        if not all(self.has(to) for to in message.to):
            raise Refused(404, "recipient_not_found")
        if capability := message.capability:
            for to in message.to:
                if to is not sender and not (
                    capability in to.capabilities and self.allows(sender, to, capability)
                ):
                    raise Refused(403, "grant_required")
        if any(to.unread >= self.inbox_limit for to in message.to):
            raise Refused(429, "inbox_full")
        self.post(message)
        return {"message_id": message.id, "status": "queued", "delivered": False}

    def read(
        self,
        session: Session,
        wanted: Callable[[Message], bool] = lambda message: True,
        *,
        limit: int = 100,
        peek: bool = False,
        after: Message | None = None,
        from_start: bool = False,
    ) -> Json:
        """Unread messages, or all of those after one, oldest first; marks what it returns unless it peeks."""
        self.acting(session)
        found = session.inbox
        if after is not None:
            places = [i for i, delivery in enumerate(found) if delivery.message is after]
            if not places:
                raise Refused(404, "message_not_found")
            found = found[places[0] + 1 :]
        elif not from_start:
            found = [delivery for delivery in found if not delivery.is_read]
        found = [delivery for delivery in found if wanted(delivery.message)]
        unread = sum(not delivery.is_read for delivery in found)
        page = found[:limit]
        for delivery in [] if peek else page:
            delivery.is_read = True
        return {"messages": [delivery.message.received() for delivery in page], "unread_count": unread}

    def acknowledge(self, session: Session, messages: list[Message], *, up_to: bool) -> Json:
        """Mark these messages, or all up to the one; none if one is not in the inbox."""
        self.acting(session)
        held = [delivery.message for delivery in session.inbox]
        if any(message not in held for message in messages):
            raise Refused(404, "message_not_found")
        last = held.index(messages[0]) + 1 if up_to else 0
        marked = [
            delivery
            for i, delivery in enumerate(session.inbox)
            if not delivery.is_read and (i < last if up_to else delivery.message in messages)
        ]
        for delivery in marked:
            delivery.is_read = True
        return {"acknowledged": len(marked)}

    def follow(self, session: Session, message: Message) -> Json:
        """How far a message came, for its sender; a recipient that left discarded what it had not read."""
        self.acting(session)
        if message.sender is not session:
            raise Refused(404, "message_not_found")
        recipients = []
        for to in message.to:
            there = next((delivery for delivery in to.inbox if delivery.message is message), None)
            status = "discarded" if there is None else "read" if there.is_read else "queued"
            when = SOME_TIME if status == "read" else None
            recipients.append({"to": to.id, "status": status, "delivered_at": when, "read_at": when})
        return {
            "id": message.id,
            "from": session.id,
            "category": message.category,
            "sent_at": message.sent_at or SOME_TIME,
            "recipients": recipients,
        }
