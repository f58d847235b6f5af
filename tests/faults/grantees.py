"""Pairs of clients of whom one asks for a grant and uses it, and the other approves and revokes it."""

import asyncio
import time
from datetime import UTC, datetime

from tests.faults.caller import Caller
from tests.faults.invariants.consent import DELEGATE, MEMORY
from tests.faults.senders import Sender

USES_A_SECOND = 6.0
EXPIRES_WITHIN_SECONDS = (2.0, 3.0)
EXPIRING_SHARE = 0.4


class Pair:
    """Alice, who asks bob again and again, uses what he grants, and goes on trying after its end."""

    def __init__(self, alice: Caller, bob: Caller, capability: str, namespace: str) -> None:
        self.alice = alice
        self.bob = bob
        self.capability = capability
        self.namespace = namespace
        self.sender = Sender(alice, [])

    async def own_the_namespace(self) -> None:
        """Have bob write what alice will ask to read."""
        entry = {"key": f"{self.namespace}.note", "value": f"tok:{self.bob.member.realm}:{self.namespace}:0"}
        call = await self.bob.call("write", "POST", "/memory", {}, json={"entries": [entry]})
        assert call.ok, call

    async def use(self) -> None:
        """Try to do what needs the grant, whether or not there is one, until told to be still."""
        chance, stage = self.alice.random, self.alice.stage
        owner = self.bob.member.session
        while not stage.still.is_set():
            if self.capability == DELEGATE:
                await self.sender.send([owner], category="delegate", idempotent=chance.random() < 0.2)
            else:
                query = {"namespace": self.namespace}
                await self.alice.call("read_memory", "GET", "/memory", {"owner": owner}, params=query)
            await stage.pause(chance.uniform(0.5, 1.5) / (USES_A_SECOND * stage.pace))

    async def run(self) -> None:
        """Go through one grant's life after the other until told to be still."""
        stage, number = self.alice.stage, 0
        while not stage.still.is_set():
            number += 1
            await self._live(number)
            await stage.pause(self.alice.random.uniform(0.3, 1.0))

    async def _live(self, number: int) -> None:
        chance, stage = self.alice.random, self.alice.stage
        expires = None
        wish = {"to": self.bob.member.session, "capability": self.capability}
        if self.capability == MEMORY:
            wish["namespace"] = f"{self.namespace}.*"
        if chance.random() < EXPIRING_SHARE:
            expires = time.time() + chance.uniform(*EXPIRES_WITHIN_SECONDS)
            wish["expires_at"] = datetime.fromtimestamp(expires, UTC).isoformat()
        arguments = {"to": wish["to"], "capability": self.capability, "expires_wall": expires}
        headers = {"Idempotency-Key": f"{self.alice.name}-{number}"}
        asked = await self.alice.insist("request", "POST", "/grants", arguments, json=wish, headers=headers)
        if not asked.ok:
            return
        grant = asked.answer["grant_id"]
        await stage.pause(chance.uniform(0.1, 0.4))
        what = {"grant": grant}
        approved = await self.bob.insist("approve", "POST", f"/grants/{grant}/approve", what, json={})
        await stage.pause(chance.uniform(0.5, 1.5))
        if expires is not None and approved.ok:
            await asyncio.sleep(max(0.0, expires + 0.7 - time.time()))
        else:
            who = chance.choice((self.alice, self.bob))
            await who.insist("revoke", "DELETE", f"/grants/{grant}", what)
