"""Agents at work through the proxy, of whom none may be refused anything or lose a message."""

import json
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx

from tests.deploy.stack import Stack
from tests.waiting import wait_until

BEFORE_ALL = "msg_" + "0" * 26
AGENTS = 4
RETURN_SECONDS = 0.05  # less than the hub asks a client to wait
ROUNDS = 10  # of each agent, until it is said that things go on


def register(client: httpx.Client, name: str) -> str:
    """Register a session and return its id."""
    answer = client.post("/api/v1/sessions", json={"name": name, "kind": "service", "capabilities": []})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def send(client: httpx.Client, sender: str, to: str, **payload: Any) -> httpx.Response:
    """Send a message and return the answer."""
    envelope = {"aisp": "0.1", "from": sender, "to": to, "category": "message", "payload": payload}
    return client.post("/api/v1/messages", json=envelope)


class Traffic:
    """Each agent writes to itself, polls, and keeps what it has done in memory, while a stream is open to it.

    What it did not get, or what was refused, fails at the end of the block.
    """

    def __init__(self, hub: Stack, name: str) -> None:
        """Prepare agents whose names begin with `name`."""
        self._hub = hub
        self._name = name
        self._stop = threading.Event()
        self._failures: list[str] = []
        self._rounds = [0] * AGENTS
        self._streams = [0] * AGENTS
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Start them."""
        for number in range(AGENTS):
            self._run(self._work, number)
        return self

    def goes_on(self) -> None:
        """Return once each agent has done some rounds more; raises what failed, if something did."""
        before = list(self._rounds)

        def went_on() -> bool:
            assert self._failures == [], "\n".join(self._failures)
            return all(now >= then + ROUNDS for now, then in zip(self._rounds, before, strict=True))

        wait_until(went_on, seconds=60)

    @property
    def rounds(self) -> int:
        """How many rounds of four requests there were."""
        return sum(self._rounds)

    @property
    def streams(self) -> int:
        """How often a stream was opened."""
        return sum(self._streams)

    def _run(self, work: Callable[..., None], *arguments: Any) -> threading.Thread:
        def noted() -> None:
            try:
                work(*arguments)
            except Exception as failure:
                self._failures.append(repr(failure))

        thread = threading.Thread(target=noted, daemon=True)
        thread.start()
        self._threads.append(thread)
        return thread

    def _work(self, number: int) -> None:
        sent: list[str] = []
        followed: list[str] = []
        with self._hub.client() as client:
            me = register(client, f"{self._name}-{number}")
            client.headers["X-AISP-Session"] = me
            key = f"{self._name}-{number}.sent"
            follower = self._run(self._follow, number, me, followed)
            polled: list[str] = []
            while not self._stop.is_set():
                sent.append(self._got(send(client, me, me, n=len(sent)))["message_id"])
                behind = {"after": polled[-1] if polled else BEFORE_ALL, "peek": "true"}
                page = self._got(client.get("/api/v1/messages", params=behind))
                polled += [message["id"] for message in page["messages"]]
                self._got(client.post("/api/v1/memory", json={"entries": [{"key": key, "value": len(sent)}]}))
                entry = self._got(client.get(f"/api/v1/memory/{key}"))
                assert entry["value"] == len(sent), entry
                self._rounds[number] += 1
            assert polled == sent, "a poll missed a message or got it twice"
            sent.append(self._got(send(client, me, me, last=True))["message_id"])
            follower.join()
            assert followed == sent, "a stream missed a message or got it twice"

    def _follow(self, number: int, session: str, followed: list[str]) -> None:
        """Follow a stream to the last message, coming back when it ends before as any client of SSE does."""
        with self._hub.client() as client:
            while not self._failures:
                last = followed[-1] if followed else BEFORE_ALL
                headers = {"X-AISP-Session": session, "Last-Event-ID": last}
                with client.stream("GET", "/api/v1/messages/stream", headers=headers) as stream:
                    assert stream.status_code == 200, stream.read()
                    self._streams[number] += 1
                    for line in stream.iter_lines():
                        if line.startswith("id: "):
                            followed.append(line[4:])
                        if line.startswith("data: ") and "last" in json.loads(line[6:]).get("payload", {}):
                            return
                time.sleep(RETURN_SECONDS)

    @staticmethod
    def _got(answer: httpx.Response) -> Any:
        assert answer.status_code == 200, f"{answer.request.method} {answer.url}: {answer.text}"
        return answer.json()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop them, and fail if anything failed."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)
        if kind is None:
            assert self._failures == [], "\n".join(self._failures)
            assert not any(thread.is_alive() for thread in self._threads), "a stream still lacks a message"
