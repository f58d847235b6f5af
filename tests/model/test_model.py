"""The hub against a model of it: whatever agents do, in whatever order, every answer is the model's."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from hub.grants.rules import expire_grants
from tests.cast import Answer
from tests.model.messaging import CAPABILITIES, Messaging, a_limit, an_attempt, anybody, query, rarely, which
from tests.model.model import MEMORY_CAPABILITIES
from tests.model.things import Grant, Json, Message, Session, ahead, covers
from tests.paging import next_path

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "20"))  # `make model` takes fifteen times as many
STEPS = 50

KEYS = ("a", "a.b", "a.b.c", "a.bc", "ab", "A.b", "b.c")
PATTERNS = ("*", "a", "a.*", "a.b", "a.b.*", "A.*", "b.*", "b.c")

a_key = st.sampled_from(KEYS)
a_pattern = st.sampled_from(PATTERNS)
a_deciding_side = st.sampled_from(["grantor", "grantor", "grantor", "requester", "other"])
a_side = st.sampled_from(["grantor", "requester", "other"])
writes = st.lists(
    st.tuples(a_key, st.integers(0, 9), st.sampled_from([None, None, None, 0, 1, 2])),
    min_size=1,
    max_size=3,
    unique_by=lambda write: write[0],
)
a_capability = st.sampled_from([*MEMORY_CAPABILITIES, *CAPABILITIES, CAPABILITIES[0]])


def wishes(at_least: int = 1) -> st.SearchStrategy[list[Any]]:
    """Return the arguments of some calls of `request_one`."""
    wish = st.tuples(
        anybody,
        anybody,
        a_capability,
        a_pattern,
        rarely,
        st.sampled_from([24, 24, 24, 1, -1, 2, 24, 24, 24]),
        st.sampled_from([None, "why"]),
        an_attempt,
        st.sampled_from([True, False, True]),
    )
    return st.lists(wish, min_size=at_least, max_size=4)


class Agents(Messaging):
    """They ask each other for grants, and use them on each other's memory."""

    @initialize(written=st.tuples(writes, writes), wishes=wishes(3))
    def the_scene(self, written: Any, wishes: list[Any]) -> None:
        """Somebody owns something, and some may do something with it, before the rest happens."""
        for who, of_one in enumerate(written):
            self.write(who=who, writes=of_one, is_twice=False, attempt=None)
        self.request(wishes)

    @rule(wishes=wishes())
    def request(self, wishes: list[Any]) -> None:
        """Some grants, one after another."""
        for wish in wishes:
            self.request_one(*wish)

    def request_one(
        self,
        who: int,
        whom: int,
        capability: str,
        pattern: str,
        is_odd: bool,
        hours: int,
        reason: str | None,
        attempt: str | None,
        is_approved: bool,
    ) -> None:
        """Ask for a grant, which is often approved at once. An odd wish has a namespace iff it must not,
        and may be one of oneself.
        """
        requester, grantor = self.session(who), self.session(whom)
        if grantor is requester and not is_odd:
            grantor = self.session(who + 1)
        namespace = pattern if (capability in MEMORY_CAPABILITIES) != is_odd else None
        new = Grant("", requester, grantor, capability, namespace, ahead(hours=hours), reason)
        said = {"to": grantor.id, "capability": capability, "expires_at": new.expires_at}
        said |= ({"namespace": namespace} if namespace else {}) | ({"reason": reason} if reason else {})

        def operation(answer: Answer) -> Json:
            new.id = answer.json.get("grant_id", "")
            return self.realm(requester).request(new)

        if self.post_once(requester, "grants", said, operation, attempt):
            self.asked.append(new)
            if is_approved:
                self.approve(which=0, by="grantor", other=0, namespace=None, minutes=None)

    def party(self, grant: Grant, by: str, other: int) -> Session:
        """Return one side of a grant, or somebody else."""
        if grant is self.no_grant:
            return self.session(other)
        return {"grantor": grant.grantor, "requester": grant.requester}.get(by) or self.session(other)

    def use(self, grant: Grant) -> None:
        """Do what a grant is for, as its requester, whether it is in force or not."""
        session, realm = grant.requester, self.realm(grant.requester)
        if grant.namespace is None:
            to = [grant.grantor.id]
            letter = Message("", session, [grant.grantor], "delegate", {}, grant.capability)
            envelope: Json = {"aisp": "0.1", "from": session.id, "to": to, "category": "delegate"}
            envelope |= {"payload": {}, "capability": grant.capability}
            answer = self.act(session, "POST", "messages", envelope)
            letter.id = answer.json.get("message_id", "")
            self.agree(answer, lambda: realm.send(session, letter))
            return
        key = next((key for key in realm.entries if covers(grant.namespace, key)), KEYS[0])
        if grant.capability == "memory.write":
            answer = self.act(session, "POST", "memory", {"entries": [{"key": key, "value": 1}]})
            self.agree(answer, lambda: realm.write(session, [(key, 1, None)]))
        elif grant.capability == "memory.delete":
            self.agree(self.act(session, "DELETE", f"memory/{key}"), lambda: realm.delete_entry(session, key))
        else:
            self.agree(self.act(session, "GET", f"memory/{key}"), lambda: realm.get_entry(session, key))

    @precondition(lambda self: bool(self.asked))
    @rule(
        which=which,
        by=a_deciding_side,
        other=anybody,
        namespace=st.none() | a_pattern,
        minutes=st.sampled_from([None, None, 30, 90, -1]),
    )
    def approve(self, which: int, by: str, other: int, namespace: str | None, minutes: int | None) -> None:
        grant = self.grant(which)
        party = self.party(grant, by, other)
        expires_at = ahead(minutes=minutes) if minutes else None
        said = {"namespace": namespace, "expires_at": expires_at}
        narrowed = {name: value for name, value in said.items() if value} or None
        answer = self.act(party, "POST", f"grants/{grant.id}/approve", narrowed)
        self.agree(answer, lambda: self.realm(party).approve(party, grant, namespace, expires_at))
        self.use(grant)

    @precondition(lambda self: bool(self.asked))
    @rule(which=which, by=a_deciding_side, other=anybody)
    def deny(self, which: int, by: str, other: int) -> None:
        grant = self.grant(which)
        party = self.party(grant, by, other)
        answer = self.act(party, "POST", f"grants/{grant.id}/deny")
        self.agree(answer, lambda: self.realm(party).deny(party, grant))

    @precondition(lambda self: bool(self.asked))
    @rule(which=which, by=a_side, other=anybody)
    def revoke(self, which: int, by: str, other: int) -> None:
        grant = self.grant(which)
        party = self.party(grant, by, other)
        answer = self.act(party, "DELETE", f"grants/{grant.id}")
        self.agree(answer, lambda: self.realm(party).revoke(party, grant))
        self.use(grant)

    @precondition(lambda self: bool(self.asked))
    @rule(which=which, by=a_side, other=anybody)
    def get_grant(self, which: int, by: str, other: int) -> None:
        grant = self.grant(which)
        party = self.party(grant, by, other)
        self.agree(
            self.act(party, "GET", f"grants/{grant.id}"), lambda: self.realm(party).look_at(party, grant)
        )

    @rule(
        who=anybody,
        direction=st.sampled_from([None, "incoming", "outgoing"]),
        status=st.sampled_from([None, "pending", "active", "denied", "revoked", "expired"]),
    )
    def list_grants(self, who: int, direction: str | None, status: str | None) -> None:
        session = self.session(who)
        answer = self.act(session, "GET", query("grants", direction=direction, status=status))
        self.agree(answer, lambda: self.realm(session).list_grants(session, direction, status))

    @precondition(lambda self: bool(self.asked))
    @rule(which=which)
    def time_passes(self, which: int) -> None:
        """The grant's time comes, and no worker has noticed yet."""
        grant = self.grant(which)
        if grant.is_open and grant is not self.no_grant:
            self.let_expire(grant)
            self.use(grant)

    @rule()
    def the_worker_runs(self) -> None:
        assert expire_grants() == sum(realm.expire_overdue() for realm in self.realms)

    @rule(who=anybody, writes=writes, is_twice=rarely, attempt=an_attempt)
    def write(
        self, who: int, writes: list[tuple[str, int, int | None]], is_twice: bool, attempt: str | None
    ) -> None:
        session = self.session(who)
        writes = [*writes, writes[0]] if is_twice else writes
        entries = [
            {"key": key, "value": value} | ({} if version is None else {"if_version": version})
            for key, value, version in writes
        ]
        realm = self.realm(session)
        self.post_once(
            session, "memory", {"entries": entries}, lambda answer: realm.write(session, writes), attempt
        )

    @rule(who=anybody, prefix=st.none() | a_key, limit=a_limit)
    def read_namespace(self, who: int, prefix: str | None, limit: int) -> None:
        """All pages of it."""
        session = self.session(who)
        answer = self.act(session, "GET", query("memory", namespace=prefix, limit=limit))
        entries = list(answer.json.get("entries", []))
        while answer.status == 200 and (path := next_path(answer)):
            answer = self.act(session, "GET", path)
            entries += answer.json["entries"]
        if answer.status == 200:
            answer.json["entries"] = entries
        self.agree(answer, lambda: self.realm(session).read_namespace(session, prefix))

    @precondition(lambda self: bool(self.realms[0].entries))
    @rule(who=anybody, key=a_key)
    def get_entry(self, who: int, key: str) -> None:
        session = self.session(who)
        answer = self.act(session, "GET", f"memory/{key}")
        self.agree(answer, lambda: self.realm(session).get_entry(session, key))

    @precondition(lambda self: bool(self.realms[0].entries))
    @rule(who=anybody, key=a_key)
    def delete_entry(self, who: int, key: str) -> None:
        session = self.session(who)
        answer = self.act(session, "DELETE", f"memory/{key}")
        self.agree(answer, lambda: self.realm(session).delete_entry(session, key))


@pytest.mark.django_db
def test_every_answer_is_the_models() -> None:
    run_state_machine_as_test(
        Agents,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
