"""What agents do to sessions and messages, each time with the hub and with the model."""

from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.cast import Answer
from tests.model.stage import FOREIGN, FROM_START, GONE, NOBODY, Stage
from tests.model.things import Json, Message

NAMES = ("ada", "bob", "cyd", "Ada")
KINDS = ("executor", "service")
CAPABILITIES = ("delegate.receive", "work.do")
CATEGORIES = ("message", "event", "grant", "delegate")

a_key = st.sampled_from([0, 0, 1, 1, 2])
# The odd ones stand in the middle: what is first and last is drawn more often.
anybody = st.sampled_from([*range(6), FOREIGN, *range(6), GONE, *range(6), NOBODY, *range(6)])
which = st.sampled_from([*range(6), NOBODY, *range(6)])
rarely = st.sampled_from([False] * 7 + [True] + [False] * 7)
place = st.integers(0, 5)
an_attempt = st.sampled_from([None, None, None, "one", "two", "three", "four", None, None, None])
a_limit = st.sampled_from([1, 2, 100])


def query(path: str, **parameters: Any) -> str:
    """Return a path with those parameters that are not None."""
    return f"{path}?{urlencode({name: value for name, value in parameters.items() if value is not None})}"


def letters(at_least: int = 1) -> st.SearchStrategy[list[Any]]:
    """Return the arguments of some calls of `send_one`."""
    letter = st.tuples(
        anybody,
        st.lists(anybody, min_size=1, max_size=3, unique=True),
        st.sampled_from(["message", "event", "delegate"]),
        st.sampled_from([None, None, *CAPABILITIES]),
        st.sampled_from(["yes", "no"]),
        rarely,
        an_attempt,
    )
    return st.lists(letter, min_size=at_least, max_size=4)


class Messaging(Stage):
    """Sessions come, find each other, write to each other and go."""

    @initialize(letters=letters(2))
    def the_cast(self, letters: list[Any]) -> None:
        """Three sessions in the one realm and one in the other, who have written some messages."""
        for key, name in ((0, "ada"), (0, "bob"), (1, "cyd"), (2, "ada")):
            self.register(key=key, name=name, kind="service", capabilities=["delegate.receive"])
        self.send(letters)

    @rule(
        key=a_key,
        name=st.sampled_from(NAMES),
        kind=st.sampled_from(KINDS),
        capabilities=st.sampled_from([[], ["delegate.receive"], ["delegate.receive", "work.do"]]),
    )
    def register(self, key: int, name: str, kind: str, capabilities: list[str]) -> None:
        realm = self.realm_of[self.keys[key]]
        said = {"name": name, "kind": kind, "capabilities": capabilities}
        answer = self.ask(self.keys[key], "POST", "sessions", said)

        def operation() -> Json:
            new = realm.register(answer.json.get("id", ""), self.keys[key], name, kind, capabilities)
            shown = realm.get(new)
            return {name: shown[name] for name in ("id", "name", "kind", "realm", "status", "created_at")}

        self.agree(answer, operation)

    @rule(key=a_key, who=anybody)
    def deregister(self, key: int, who: int) -> None:
        """By any of the keys, also by one of the other realm."""
        session, realm = self.session(who), self.realm_of[self.keys[key]]
        answer = self.ask(self.keys[key], "DELETE", f"sessions/{session.id}")
        self.agree(answer, lambda: realm.deregister(self.keys[key], session))

    @rule(key=a_key, who=anybody)
    def get_session(self, key: int, who: int) -> None:
        session, realm = self.session(who), self.realm_of[self.keys[key]]
        self.agree(self.ask(self.keys[key], "GET", f"sessions/{session.id}"), lambda: realm.get(session))

    @rule(
        key=a_key,
        status=st.sampled_from([None, "active", "inactive", "all"]),
        kind=st.none() | st.sampled_from(KINDS),
        capability=st.none() | st.sampled_from(CAPABILITIES),
        name=st.none() | st.sampled_from(NAMES),
    )
    def list_sessions(
        self, key: int, status: str | None, kind: str | None, capability: str | None, name: str | None
    ) -> None:
        realm = self.realm_of[self.keys[key]]
        path = query("sessions", status=status, kind=kind, capability=capability, name=name)
        answer = self.ask(self.keys[key], "GET", path)
        self.agree(answer, lambda: realm.list(status or "active", kind, capability, name))

    @rule(who=anybody)
    def fall_quiet(self, who: int) -> None:
        """Long enough that the worker turned the session inactive."""
        session = self.session(who)
        if session.is_live:
            self.make_inactive(session)

    @rule(key=a_key, who=anybody)
    def act_with_anothers_key(self, key: int, who: int) -> None:
        session = self.session(who)
        if session.key != self.keys[key]:
            answer = self.ask(self.keys[key], "GET", "messages", X_AISP_Session=session.id)
            assert (answer.status, answer.code) == (403, "session_not_owned")

    @rule(letters=letters())
    def send(self, letters: list[Any]) -> None:
        """Some messages, one after another."""
        for letter in letters:
            self.send_one(*letter)

    def send_one(
        self,
        who: int,
        to: list[int],
        category: str,
        capability: str | None,
        text: str,
        is_twice: bool,
        attempt: str | None,
    ) -> None:
        """Of each recipient once, unless `is_twice`."""
        sender, recipients = self.session(who), list(dict.fromkeys(self.session(one) for one in to))
        recipients += recipients[:is_twice]
        ids = [session.id for session in recipients]
        envelope: Json = {"aisp": "0.1", "from": sender.id, "to": ids if len(ids) > 1 else ids[0]}
        envelope |= {"category": category, "payload": {"text": text}}
        uses = None
        if category == "delegate":
            envelope |= {"capability": capability} if capability else {}
            uses = capability or "delegate.receive"
        new = Message("", sender, recipients, category, {"text": text}, uses)

        def operation(answer: Answer) -> Json:
            new.id = answer.json.get("message_id", "")
            return self.realm(sender).send(sender, new)

        if self.post_once(sender, "messages", envelope, operation, attempt):
            self.sent.append(new)

    @rule(attempt=place)
    def repeat(self, attempt: int) -> None:
        """The very same request under its Idempotency-Key: the very same answer, and nothing done."""
        kept = [(realm, *one) for realm in self.realms for one in realm.kept.items()]
        if kept:
            realm, (_, name), ((session_id, path, body), _) = kept[attempt % len(kept)]
            sender = next(session for session in realm.sessions if session.id == session_id)
            assert not self.post_once(sender, path, body, _never, name)

    @rule(
        who=anybody,
        category=st.none() | st.sampled_from(CATEGORIES),
        limit=a_limit,
        peek=st.sampled_from([False, False, True]),
        since=st.none() | place,
        start=st.sampled_from(["unread", "unread", "all", "after", "elsewhere"]),
        place=place,
    )
    def poll(
        self,
        who: int,
        category: str | None,
        limit: int,
        peek: bool,
        since: int | None,
        start: str,
        place: int,
    ) -> None:
        """What is unread, or all, or what comes after a message of this inbox or of another."""
        session = self.session(who)
        held = [delivery.message for delivery in session.inbox]
        after = None
        if start in ("after", "elsewhere"):
            after = held[place % len(held)] if held and start == "after" else self.message(place)
        earliest = held[since % len(held)].sent_at if held and since is not None else None
        path = query(
            "messages",
            category=category,
            limit=limit,
            since=earliest,
            peek="true" if peek else None,
            after=FROM_START if start == "all" else after and after.id,
        )

        def wanted(message: Message) -> bool:
            return category in (None, message.category) and message.sent_at >= (earliest or "")

        def operation() -> Json:
            return self.realm(session).read(
                session, wanted, limit=limit, peek=peek, after=after, from_start=start == "all"
            )

        self.agree(self.act(session, "GET", path), operation)

    @rule(
        who=anybody,
        places=st.lists(place, min_size=1, max_size=3, unique=True),
        elsewhere=st.none() | st.none() | which,
        up_to=st.booleans(),
    )
    def acknowledge(self, who: int, places: list[int], elsewhere: int | None, up_to: bool) -> None:
        """Some messages of the inbox, sometimes with one that may not be in it."""
        session = self.session(who)
        held = [delivery.message for delivery in session.inbox]
        named = [held[place % len(held)] for place in places] if held else []
        if elsewhere is not None or not held:
            named.append(self.message(elsewhere or 0))
        named = named[-1:] if up_to else named
        chosen = {"up_to": named[0].id} if up_to else {"ids": [message.id for message in named]}
        answer = self.act(session, "POST", "messages/ack", chosen)
        self.agree(answer, lambda: self.realm(session).acknowledge(session, named, up_to=up_to))

    @precondition(lambda self: bool(self.sent))
    @rule(which=which, other=st.none() | st.none() | anybody)
    def follow(self, which: int, other: int | None) -> None:
        """By a message's sender or by another."""
        message = self.message(which)
        session = self.session(other) if other is not None else message.sender or self.nobody
        answer = self.act(session, "GET", f"messages/{message.id}")
        self.agree(answer, lambda: self.realm(session).follow(session, message))


def _never(answer: Answer) -> Json:
    raise AssertionError(f"done again: {answer.json}")
