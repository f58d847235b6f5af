"""Agents at work through the proxy, of whom none may be refused anything or lose a message."""

import json
import threading
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx

from tests.deploy.stack import Stack
from tests.waiting import wait_until

BEFORE_ALL = "msg_" + "0" * 26
AGENTS = 4
RETURN_SECONDS = 0.05  # less than the hub asks a client to wait
TRIES = 40
ROUNDS = 10  # of each agent, until it is said that things go on


def register(client: httpx.Client, name: str) -> str:
    """Register a session and return its id."""
    answer = client.post("/api/v1/sessions", json={"name": name, "kind": "service", "capabilities": []})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def envelope(sender: str, to: str, **payload: Any) -> dict[str, Any]:
    """Return a message as it is sent."""
    return {"aisp": "0.1", "from": sender, "to": to, "category": "message", "payload": payload}


def send(client: httpx.Client, sender: str, to: str, **payload: Any) -> httpx.Response:
    """Send a message and return the answer."""
    return client.post("/api/v1/messages", json=envelope(sender, to, **payload))


class Traffic:
    """Each agent writes to itself, polls, and keeps what it has done in memory, while a stream is open to it.

    A request that fails is counted, and sent again with the same Idempotency-Key as the docs advise. At its
    end the block fails if a request failed, or if a message was lost or doubled.

    Attributes:
        failed: the requests that failed, with what came instead of a 200.
    """

    def __init__(self, hub: Stack, name: str) -> None:
        """Prepare agents whose names begin with `name`."""
        self._hub = hub
        self._name = name
        self._stop = threading.Event()
        self.failed: list[str] = []
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
                sent.append(self._sent(client, envelope(me, me, n=len(sent))))
                behind = {"after": polled[-1] if polled else BEFORE_ALL, "peek": "true"}
                page = self._got(client, "GET", "messages", params=behind)
                polled += [message["id"] for message in page["messages"]]
                entries = {"entries": [{"key": key, "value": len(sent)}]}
                self._got(client, "POST", "memory", json=entries)
                entry = self._got(client, "GET", f"memory/{key}")
                assert entry["value"] == len(sent), entry
                self._rounds[number] += 1
            assert polled == sent, "a poll missed a message or got it twice"
            sent.append(self._sent(client, envelope(me, me, last=True)))
            follower.join()
            assert followed == sent, "a stream missed a message or got it twice"

    def _follow(self, number: int, session: str, followed: list[str]) -> None:
        """Follow a stream to the last message, coming back when it ends before as any client of SSE does."""
        with self._hub.client() as client:
            while not self._failures:
                last = followed[-1] if followed else BEFORE_ALL
                headers = {"X-AISP-Session": session, "Last-Event-ID": last}
                try:
                    with client.stream("GET", "/api/v1/messages/stream", headers=headers) as stream:
                        if stream.status_code != 200:
                            self.failed.append(f"GET messages/stream: {stream.read()!r}")
                        self._streams[number] += 1
                        if self._read(stream, followed):
                            return
                except httpx.HTTPError as error:
                    self.failed.append(f"GET messages/stream: {error!r}")
                time.sleep(RETURN_SECONDS)

    @staticmethod
    def _read(stream: httpx.Response, followed: list[str]) -> bool:
        """Note what a stream brings until it ends; tell whether the last message was among it."""
        for line in stream.iter_lines():
            if line.startswith("id: "):
                followed.append(line[4:])
            if line.startswith("data: ") and "last" in json.loads(line[6:]).get("payload", {}):
                return True
        return False

    def _sent(self, client: httpx.Client, message: dict[str, Any]) -> str:
        return str(self._got(client, "POST", "messages", json=message)["message_id"])

    def _got(self, client: httpx.Client, method: str, path: str, **more: Any) -> Any:
        """Return what a request is answered; note each failure and send it again."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        for _ in range(TRIES):
            try:
                answer = client.request(method, f"/api/v1/{path}", headers=headers, **more)
            except httpx.HTTPError as error:
                self.failed.append(f"{method} {path}: {error!r}")
                continue
            if answer.status_code == 200:
                return answer.json()
            self.failed.append(f"{method} {path}: {answer.status_code} {answer.text}")
            time.sleep(RETURN_SECONDS)
        raise AssertionError(f"{method} {path} failed {TRIES} times")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop them, and fail if anything failed."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)
        if kind is None:
            assert self._failures == [], "\n".join(self._failures)
            assert self.failed == [], f"{len(self.failed)} requests failed:\n" + "\n".join(self.failed)
            assert not any(thread.is_alive() for thread in self._threads), "a stream still lacks a message"
