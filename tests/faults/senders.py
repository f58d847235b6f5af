"""Clients that send: one message after the other, each with a token of its own."""

from collections.abc import Sequence
from typing import Any

from tests.faults.caller import Caller
from tests.faults.history import Call
from tests.faults.invariants.delivery import token

# What readers get wrong: what some take for line ends, what has two units in UTF-16, quotes.
AWKWARD = '\u2028\u0085\r\n\n\ndata: \U0001f41d \\" '
SENDS_A_SECOND = 8.0
IDEMPOTENT_SHARE = 0.5
STRANGER_SHARE = 0.1


class Sender:
    """Sends to one to three of the recipients at a time, and tries to reach strangers of another realm."""

    def __init__(self, caller: Caller, recipients: Sequence[str], strangers: Sequence[str] = ()) -> None:
        self.caller = caller
        self.recipients = recipients
        self.strangers = strangers
        self.count = 0

    async def run(self) -> None:
        """Send until told to be still."""
        chance, stage = self.caller.random, self.caller.stage
        while not stage.still.is_set():
            to = chance.sample(self.recipients, chance.randint(1, min(3, len(self.recipients))))
            if self.strangers and chance.random() < STRANGER_SHARE:
                to = [chance.choice(self.strangers)]
            await self.send(to, idempotent=chance.random() < IDEMPOTENT_SHARE)
            await stage.pause(chance.uniform(0.5, 1.5) / (SENDS_A_SECOND * stage.pace))

    async def send(self, to: list[str], *, category: str = "message", idempotent: bool = False) -> Call:
        """Send one message; under an Idempotency-Key, until there is a definite answer."""
        caller = self.caller
        self.count += 1
        mark = token(caller.member.realm, caller.name, self.count)
        filler = AWKWARD * caller.random.choice((0, 1, 1, 1, 60))
        payload = {"token": mark, "number": self.count, "text": filler}
        arguments: dict[str, Any] = {"token": mark, "to": to, "category": category, "payload": payload}
        envelope = {"aisp": "0.1", "from": caller.member.session, "to": to, "category": category}
        body = {**envelope, "payload": payload}
        if not idempotent:
            return await caller.call("send", "POST", "/messages", arguments, json=body)
        arguments["idempotency_key"] = mark
        headers = {"Idempotency-Key": mark}
        return await caller.insist("send", "POST", "/messages", arguments, json=body, headers=headers)
