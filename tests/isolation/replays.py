"""Kept answers: every POST of an owner is sent again, with its Idempotency-Key, by every other caller."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from django.db import transaction

from tests.isolation.callers import LET_IN, Caller, callers_of, refused, token
from tests.isolation.calls import Call, key_of, owners_call, send, token_of
from tests.isolation.table import Form, Row
from tests.isolation.tenants import Tenant
from tests.isolation.tokens import self_signed
from tests.isolation.worlds import World
from tests.rows import forget_credentials

Credential = Callable[[Tenant], Mapping[str, str]]

# Of the owner, and yet another caller: what is kept for the key is not for a session's token.
OWN_TOKEN = Caller("the acting session's token", token(lambda w: self_signed(w.alice.session)), refused(""))


@dataclass(frozen=True, slots=True)
class Replay:
    """A POST of alice's, and who sends it again.

    Attributes:
        by: alice's credential.
        names_third: alice's key names another session of the key, whose token is what `caller` may have.
    """

    row: Row
    form: Form
    by: Credential
    caller: Caller
    names_third: bool = False

    def __str__(self) -> str:
        third = ", with the caller's session named" if self.names_third else ""
        return f"{self.row} by {self.by.__name__}{third}, again by {self.caller}"

    def first(self, world: World) -> Call:
        """Return alice's call."""
        call = owners_call(self.row, self.form, world.alice, self.by(world.alice))
        if not self.names_third:
            return call
        return replace(call, headers={**call.headers, "X-AISP-Session": world.alice.third.pk})


def replays(row: Row) -> Iterator[Replay]:
    """Yield every replay of a row."""
    for form in row.forms:
        for caller in (*callers_of(row), OWN_TOKEN):
            yield Replay(row, form, key_of, caller)
        for caller in LET_IN:
            yield Replay(row, form, key_of, caller, names_third=True)
        if not row.by_key_alone:
            for caller in callers_of(row):
                yield Replay(row, form, token_of, caller)


def replay_faults(replay: Replay, world: World) -> list[str]:
    """Send a replay's calls, in a transaction that is rolled back, and return what does not hold."""
    faults = []
    forget_credentials()
    call = replay.first(world)
    credential = {name: call.headers[name] for name in replay.by(world.alice)}
    headers = {name: value for name, value in call.headers.items() if name not in credential}
    with transaction.atomic():
        first = send(call)
        if first.status == 200:
            if send(call).headers.get("idempotent-replayed") != "true":
                faults.append("the owner does not get the kept answer")
            again = send(replace(call, headers={**headers, **replay.caller.credential(world)}))
            if "idempotent-replayed" in again.headers:
                faults.append(f"got what was kept for the owner: {again.content!r}")
            expected = replay.caller.gets(replay.row, replay.form)
            if not replay.caller.within and expected and again.code != expected:
                faults.append(f"got {again.code} and not {expected}")
        elif not replay.names_third:
            faults.append(f"the owner got {first.code}")
        transaction.set_rollback(True)
    return [f"{replay}: {fault}" for fault in faults]
