"""The clients of a run: two realms, inboxes that are polled and streamed, and pairs with grants."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.caller import Caller, Stage
from tests.faults.grantees import Pair
from tests.faults.history import Member
from tests.faults.inbox_readers import Poller, Streamer
from tests.faults.invariants.consent import DELEGATE, MEMORY
from tests.faults.senders import Sender

# Names of sessions, by how their inboxes are read.
NORTH: dict[str, tuple[str, ...]] = {
    "polled": ("paula", "peter"),
    "streamed": ("stella", "steve"),
    "unread": ("alice", "arthur", "bob", "bertha", "sam", "sue"),
}
SOUTH: dict[str, tuple[str, ...]] = {"polled": ("pedro",), "streamed": ("sofia",), "unread": ("salvador",)}
POLLERS_EACH = 3
STREAMERS_EACH = 2


@dataclass
class Cast:
    """Everybody who takes part."""

    senders: list[Sender] = field(default_factory=list)
    pollers: list[Poller] = field(default_factory=list)
    streamers: list[Streamer] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    last_readers: list[Caller] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)

    def acting(self) -> list[Coroutine[Any, Any, None]]:
        """Return what those do who send, ask, approve and use."""
        pairs = [each for pair in self.pairs for each in (pair.run(), pair.use())]
        return [*(sender.run() for sender in self.senders), *pairs]

    async def close(self) -> None:
        """Hang up."""
        for caller in self.callers:
            await caller.close()


async def gathered(stage: Stage, keys: dict[str, str]) -> Cast:
    """Register the sessions of both realms, and return the clients that act as them."""
    cast = Cast()
    north = _Troupe(stage, cast, "north", keys["north"], NORTH)
    await north.gather()
    south = _Troupe(stage, cast, "south", keys["south"], SOUTH, strangers=north.busy)
    await south.gather()
    return cast


class _Troupe:
    """The part of the cast that is in one realm."""

    def __init__(
        self,
        stage: Stage,
        cast: Cast,
        realm: str,
        key: str,
        names: dict[str, tuple[str, ...]],
        strangers: Sequence[str] = (),
    ) -> None:
        self.stage, self.cast, self.realm, self.key, self.names = stage, cast, realm, key, names
        self.strangers = strangers
        self.members: dict[str, Member] = {}

    async def gather(self) -> None:
        """Register the sessions and take on the clients."""
        nobody = self._caller("registrar", Member("", "registrar", self.realm, ""))
        del nobody.http.headers["X-AISP-Session"]
        for inbox, names in self.names.items():
            for name in names:
                body = {"name": name, "kind": "service", "capabilities": [DELEGATE]}
                call = await nobody.call("register", "POST", "/sessions", {}, json=body)
                assert call.ok, call
                member = self.members[name] = Member(call.answer["id"], name, self.realm, inbox)
                self.stage.history.note(member)
                self.cast.last_readers.append(self._caller(f"{name}-last", member))
        self._take_on_readers()
        for name in self.names["unread"]:
            if name.startswith("s"):
                self.cast.senders.append(Sender(self._named(name, "send"), self.busy, self.strangers))
        if "alice" in self.members:
            await self._take_on_pairs()

    @property
    def busy(self) -> list[str]:
        """The sessions whose inboxes somebody reads."""
        return [self.members[name].session for name in (*self.names["polled"], *self.names["streamed"])]

    def _take_on_readers(self) -> None:
        for name in self.names["polled"]:
            for number in range(POLLERS_EACH):
                self.cast.pollers.append(Poller(self._named(name, f"poll-{number}")))
        for name in self.names["streamed"]:
            for number in range(STREAMERS_EACH):
                self.cast.streamers.append(Streamer(self._named(name, f"stream-{number}")))

    async def _take_on_pairs(self) -> None:
        for alice, bob, capability in (("alice", "bob", DELEGATE), ("arthur", "bertha", MEMORY)):
            pair = Pair(self._named(alice, "use"), self._named(bob, "own"), capability, "notes")
            if capability == MEMORY:
                await pair.own_the_namespace()
            self.cast.pairs.append(pair)

    def _named(self, name: str, what: str) -> Caller:
        return self._caller(f"{name}-{what}", self.members[name])

    def _caller(self, name: str, member: Member) -> Caller:
        caller = Caller(self.stage, self.key, name, member)
        self.cast.callers.append(caller)
        return caller
