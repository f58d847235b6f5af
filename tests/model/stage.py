"""Where the model and the hub meet: two realms in the database, each beside its model."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.test import TestCase
from hypothesis.stateful import RuleBasedStateMachine, invariant

from hub.grants.models import Grant as GrantRow
from hub.messages.models import Inbox as InboxRow
from hub.sessions.models import Session as SessionRow
from realms.ids import GRANT, MESSAGE, SESSION, new_id
from tests.cast import Agent, Answer, new_key, new_realm
from tests.model.model import Realm
from tests.model.things import DEREGISTERED, INACTIVE, Grant, Json, Message, Refused, Session, ahead

INBOX_LIMIT = 4
LOOKS_EVERY_STEPS = 8  # at a session that nothing was sent to
FROM_START = f"{MESSAGE}_{'0' * 26}"
NAMES = ("ada", "bob", "Ada", "cyd")
FOREIGN, GONE, NOBODY = -1, -2, -3


class Stage(RuleBasedStateMachine):
    """Two realms of one name and three keys, of which the first two are of the first realm.

    Each example is a savepoint that is rolled back. What waits for a commit is done after each request.
    """

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.realm_of: dict[str, Realm] = {}
        self.realms = [Realm(INBOX_LIMIT), Realm(INBOX_LIMIT)]
        for model, owner, keys in zip(self.realms, ("alice", "mallory"), (2, 1), strict=True):
            row = new_realm(owner, inbox_limit=INBOX_LIMIT)
            self.realm_of |= {new_key(row)[1]: model for _ in range(keys)}
        self.keys = list(self.realm_of)
        self.sent: list[Message] = []
        self.asked: list[Grant] = []
        # Well-formed ids that name nothing.
        self.nobody = Session(new_id(SESSION), self.keys[0], "nobody", "service", [], DEREGISTERED)
        self.no_message = Message(new_id(MESSAGE), None, [], "message", {})
        self.no_grant = Grant(
            new_id(GRANT), self.nobody, self.nobody, "memory.read", "*", ahead(hours=1), None
        )
        self.step = 0
        self.agreed = True  # nothing is compared once more at the end, once an answer was not the model's

    def session(self, who: int) -> Session:
        """Return a session of the first realm: `who` names a live one, unless it is one of the last three."""
        here, elsewhere = (realm.live for realm in self.realms)
        gone = [session for session in self.realms[0].sessions if not session.is_live]
        pool = {FOREIGN: elsewhere, GONE: gone}.get(who, [] if who == NOBODY else here)
        return pool[who % len(pool)] if pool else self.nobody

    def message(self, which: int) -> Message:
        """Return a message that was sent, counted from the newest, or for `NOBODY` an unknown id."""
        return self.sent[-1 - which % len(self.sent)] if self.sent and which != NOBODY else self.no_message

    def grant(self, which: int) -> Grant:
        """Return a grant that was asked for, counted likewise."""
        return self.asked[-1 - which % len(self.asked)] if self.asked and which != NOBODY else self.no_grant

    def teardown(self) -> None:
        try:
            if self.agreed:
                for session in self.live:
                    self.compare_all(session)
        finally:
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)

    @property
    def live(self) -> list[Session]:
        """The sessions of both realms that are not deregistered."""
        return [session for realm in self.realms for session in realm.live]

    def ask(self, key: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request with a key, and do what waits for its commit."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with TestCase.captureOnCommitCallbacks(execute=True):
            return Agent(key).call(method, path, body, headers=named)

    def act(self, session: Session, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request as a session, with its own key."""
        return self.ask(session.key, method, path, body, X_AISP_Session=session.id, **headers)

    def realm(self, session: Session) -> Realm:
        """Return the model of the realm that a session's key is of."""
        return self.realm_of[session.key]

    def agree(self, answer: Answer, operation: Callable[[], Json]) -> bool:
        """Hold an answer to the model's; return whether the operation was granted."""
        self.agreed = False
        try:
            expected = operation()
        except Refused as refused:
            assert (answer.status, answer.json.get("code")) == (refused.status, refused.code), answer.json
            self.agreed = True
            return False
        assert answer.status == 200, answer.json
        assert answer.json == expected, (answer.json, expected)
        self.agreed = True
        return True

    def post_once(
        self,
        session: Session,
        path: str,
        body: Any,
        operation: Callable[[Answer], Json],
        name: str | None = None,
    ) -> bool:
        """Send a POST, under an Idempotency-Key if it has a `name`; return whether something new was done."""
        answer = self.act(session, "POST", path, body, **({"Idempotency_Key": name} if name else {}))
        realm, request, status = self.realm(session), (session.id, path, body), session.status
        if name is not None:
            try:
                if (kept := realm.kept_answer(session, name, request)) is not None:
                    realm.check_right(session, path, body)
            except Refused as refused:
                assert (answer.status, answer.code) == (refused.status, refused.code)
                session.status = status
                return False
            if kept is not None:
                assert (answer.status, answer.json) == (200, kept)
                assert answer.headers["Idempotent-Replayed"] == "true"
                return False
        done = self.agree(answer, lambda: operation(answer))
        if not done and name is not None:
            session.status = status  # what is refused leaves nothing behind, not even that it was seen
        if done and name is not None:
            realm.kept[session.id, name] = (request, answer.json)
        return done

    @invariant()
    def inboxes_agree(self) -> None:
        """After each step, of every session that got something; and of the others every now and then."""
        self.step += 1
        for i, session in enumerate(self.live):
            if i == self.step % LOOKS_EVERY_STEPS or any(not d.message.sent_at for d in session.inbox):
                self.compare_inbox(session)

    def compare_inbox(self, session: Session) -> None:
        """Hold all of an inbox to the model's, and learn the ids and times of what is new in it."""
        whole = self.act(session, "GET", f"messages?after={FROM_START}&peek=true&limit=500")
        assert whole.status == 200, whole.json
        held = whole.json["messages"]
        assert len(held) == len(session.inbox), (held, session.inbox)
        for delivery, got in zip(session.inbox, held, strict=True):
            message = delivery.message
            message.id, message.sent_at = message.id or got["id"], message.sent_at or got["sent_at"]
        realm = self.realm(session)
        self.agree(whole, lambda: realm.read(session, limit=500, peek=True, from_start=True))

    def compare_all(self, session: Session) -> None:
        """Hold everything that a session sees to the model's."""
        realm = self.realm(session)
        self.compare_inbox(session)
        unread = self.act(session, "GET", "messages?peek=true")
        self.agree(unread, lambda: realm.read(session, peek=True))
        assert InboxRow.objects.get(pk=session.id).unread == session.unread
        memory = self.act(session, "GET", "memory?limit=500")
        self.agree(memory, lambda: realm.read_namespace(session, None))
        grants = self.act(session, "GET", "grants?limit=500")
        self.agree(grants, lambda: realm.list_grants(session, None, None))

    def make_inactive(self, session: Session) -> None:
        """Let a session be unseen for so long that it became inactive, as the worker would have it."""
        session.status = INACTIVE
        SessionRow.objects.filter(pk=session.id).update(status=INACTIVE)

    def let_expire(self, grant: Grant) -> None:
        """Let a grant's time have come, without any worker noticing."""
        grant.expires_at = ahead(milliseconds=-2)
        row = GrantRow.objects.filter(pk=grant.id)
        assert row.update(expires_at=datetime.fromisoformat(grant.expires_at)) == 1
