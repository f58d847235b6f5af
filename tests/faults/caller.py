"""A client's HTTP: every call is noted, with what the client may conclude from it."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.faults.history import Call, History, Member, Outcome, now
from tests.faults.view import IN_PROGRESS

TIMEOUT_SECONDS = 4.0
RETRY_SECONDS = 0.3


@dataclass
class Stage:
    """What the clients of a run share.

    Attributes:
        still: set when nothing new is to be begun.
        dry: set when pollers are to empty their inboxes and leave.
        give_up: when, on the clock of the history, not even a retry is begun any more.
    """

    history: History
    base: str
    seed: int
    pace: float
    still: asyncio.Event = field(default_factory=asyncio.Event)
    dry: asyncio.Event = field(default_factory=asyncio.Event)
    give_up: float = float("inf")

    async def pause(self, seconds: float) -> None:
        """Sleep; shorter if everybody is to leave."""
        try:
            async with asyncio.timeout(seconds):
                await self.still.wait()
        except TimeoutError:
            return
        await asyncio.sleep(min(seconds, 0.05))


class Caller:
    """One client, who acts as one session."""

    def __init__(self, stage: Stage, key: str, name: str, member: Member) -> None:
        self.stage = stage
        self.name = name
        self.member = member
        self.random = random.Random(f"{stage.seed} {name}")
        self.headers = {"X-AISP-Key": key, "X-AISP-Session": member.session}
        self.http = httpx.AsyncClient(
            base_url=f"{stage.base}/api/v1", headers=self.headers, timeout=TIMEOUT_SECONDS, trust_env=False
        )

    async def call(
        self,
        verb: str,
        method: str,
        path: str,
        arguments: dict[str, Any],
        *,
        headers: dict[str, str] | None = None,
        **request: Any,
    ) -> Call:
        """Call once, and note it; `arguments` are what the checker has to know of it."""
        call = Call(
            client=self.name,
            session=self.member.session,
            verb=verb,
            arguments=arguments,
            began=now(),
            ended=0.0,
            began_wall=time.time(),
            ended_wall=0.0,
            outcome=Outcome.MAYBE,
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await self.http.request(method, path, headers=headers, **request)
            call.status = response.status_code
            call.content_type = response.headers.get("content-type", "")
            call.retry_after = response.headers.get("retry-after", "")
            call.answer = response.json() if "json" in call.content_type else response.text
            call.outcome = _outcome(response.status_code)
        except (httpx.HTTPError, TimeoutError) as error:
            call.failure = repr(error)
        finally:
            call.ended, call.ended_wall = now(), time.time()
            self.stage.history.note(call)
        return call

    async def insist(self, verb: str, method: str, path: str, arguments: dict[str, Any], **how: Any) -> Call:
        """Call until there is a definite answer, or it is time to give up."""
        while True:
            call = await self.call(verb, method, path, arguments, **how)
            if call.outcome is not Outcome.MAYBE and call.code != IN_PROGRESS:
                return call
            if now() > self.stage.give_up:
                return call
            await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        """Hang up."""
        await self.http.aclose()


def _outcome(status: int) -> Outcome:
    if status < 300:
        return Outcome.OK
    return Outcome.REFUSED if status < 500 else Outcome.MAYBE
