"""Clients that read inboxes: by polls that mark, and by streams that resume."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.faults.caller import Caller
from tests.faults.history import Call, Outcome, StreamEnded, StreamEvent, StreamOpened, now
from tests.faults.invariants.order import INBOX_START

POLL_LIMIT = 7
POLLS_A_SECOND = 4.0
AT_ONCE_SHARE = 0.3  # of polls that follow the one before at once, so that pollers meet
PAGE = 200
# Longer than the hub's heartbeat of 15 s.
QUIET_SECONDS = 20.0
RECONNECT_SECONDS = 0.3

_connections = itertools.count(1)


async def read_all(caller: Caller, verb: str, after: str = INBOX_START) -> bool:
    """Read an inbox without marking, in pages, from a message to its end; tell whether that worked."""
    while True:
        query: dict[str, Any] = {"after": after, "peek": "true", "limit": PAGE}
        arguments = {"after": after, "limit": PAGE}
        call = await caller.insist(verb, "GET", "/messages", arguments, params=query)
        if not call.ok:
            return False
        if not call.answer["messages"]:
            return True
        after = call.answer["messages"][-1]["id"]


class Poller:
    """Polls an inbox together with others; what a lost answer may have held, it reads again."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.last = INBOX_START
        self.uncertain_since: str | None = None

    async def run(self) -> None:
        """Poll until told to leave, and then until the inbox is empty."""
        chance, stage = self.caller.random, self.caller.stage
        while True:
            is_last = stage.dry.is_set()
            call = await self.poll()
            if is_last and ((call.ok and not call.answer["messages"]) or now() > stage.give_up):
                break
            if not is_last and chance.random() > AT_ONCE_SHARE:
                await stage.pause(chance.uniform(0.5, 1.5) / (POLLS_A_SECOND * stage.pace))
        if self.uncertain_since is not None:  # a request may have been done long after its client gave up
            await read_all(self.caller, "recover", self.uncertain_since)

    async def poll(self) -> Call:
        """Take some messages; if the answer is lost, look what it may have held."""
        before = self.last
        call = await self.caller.call(
            "poll", "GET", "/messages", {"limit": POLL_LIMIT}, params={"limit": POLL_LIMIT}
        )
        if call.ok and call.answer["messages"]:
            self.last = call.answer["messages"][-1]["id"]
        if call.outcome is Outcome.MAYBE:
            if self.uncertain_since is None:
                self.uncertain_since = before
            query = {"after": before, "peek": "true", "limit": PAGE}
            arguments = {"after": before, "limit": PAGE}
            await self.caller.call("recover", "GET", "/messages", arguments, params=query)
        return call


class Streamer:
    """Keeps a stream open, and resumes it with the last id that arrived whole."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.last = INBOX_START

    async def run(self) -> None:
        """Stream until cancelled."""
        while True:
            await self._connect()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _connect(self) -> None:
        caller, history = self.caller, self.caller.stage.history
        number, why = next(_connections), "cancelled"
        headers = {"Last-Event-ID": self.last, "Accept": "text/event-stream"}
        timeout = httpx.Timeout(4.0, read=QUIET_SECONDS)
        began, opened = now(), StreamOpened(number, caller.name, caller.member.session, self.last, now())
        try:
            async with caller.http.stream(
                "GET", "/messages/stream", headers=headers, timeout=timeout
            ) as response:
                if response.status_code != 200:
                    await response.aread()
                    self._note_refused(response, began)
                    return
                history.note(opened)
                try:
                    why = await self._read(number, response)
                except httpx.HTTPError as error:
                    why = repr(error)
                finally:
                    history.note(StreamEnded(number, why, now()))
        except httpx.HTTPError:
            return  # it did not open, or broke while it was closed

    async def _read(self, number: int, response: httpx.Response) -> str:
        async for event in whole_events(response):
            kind = event.get("event", "message")
            if "data" not in event:
                continue
            data = json.loads(event["data"])
            record = StreamEvent(number, kind, event.get("id", ""), data, now())
            self.caller.stage.history.note(record)
            if kind == "message":
                self.last = event["id"]
        return "ended"

    def _note_refused(self, response: httpx.Response, began: float) -> None:
        content_type = response.headers.get("content-type", "")
        self.caller.stage.history.note(
            Call(
                client=self.caller.name,
                session=self.caller.member.session,
                verb="stream",
                arguments={"after": self.last},
                began=began,
                ended=now(),
                began_wall=0.0,
                ended_wall=0.0,
                outcome=Outcome.REFUSED if response.status_code < 500 else Outcome.MAYBE,
                status=response.status_code,
                content_type=content_type,
                retry_after=response.headers.get("retry-after", ""),
                answer=response.json() if "json" in content_type else response.text,
            )
        )


async def whole_events(response: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """Give the fields of each event whose blank line has arrived (WHATWG HTML §9.2, with LF alone).

    Lines are split here, since `aiter_lines` also splits at U+2028, which stands in payloads.
    """
    rest = b""
    async for chunk in response.aiter_bytes():
        *blocks, rest = (rest + chunk).split(b"\n\n")
        for block in blocks:
            fields = {}
            for line in block.decode().split("\n"):
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
            yield fields
