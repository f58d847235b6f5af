"""An agent that calls a hub over HTTP, and a reader of its stream."""

import contextlib
import json
import queue
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
from httpx_sse import EventSource

from tests.cast import Agent

PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Event:
    """One event of a stream."""

    event: str
    id: str
    data: Any
    retry: int | None = None


class StreamReader:
    """Reads a stream in a thread, from opening it until it is closed."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._client = httpx.Client(timeout=httpx.Timeout(PATIENCE_SECONDS, read=60))
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._context = self._client.stream("GET", url, headers=dict(headers))
        self.response = self._context.__enter__()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for event in EventSource(self.response).iter_sse():
                data = json.loads(event.data) if event.data else None
                self._events.put(Event(event.event, event.id, data, event.retry))
        except (httpx.HTTPError, httpx.StreamError, ValueError, AttributeError):
            pass  # closed from one side or the other
        self._events.put(None)

    def next(self, timeout: float = PATIENCE_SECONDS) -> Event:
        """Return the next event; fails if none comes in time or the stream has ended."""
        event = self._events.get(timeout=timeout)
        assert event is not None, "the stream ended"
        return event

    def messages(self, count: int) -> list[str]:
        """Return the ids of the next `count` messages."""
        events = [self.next() for _ in range(count)]
        assert {event.event for event in events} <= {"message"}
        return [event.id for event in events]

    def is_quiet(self, seconds: float = 0.3) -> bool:
        """Tell whether nothing comes for a moment."""
        try:
            return self._events.get(timeout=seconds) is None
        except queue.Empty:
            return True

    def ended(self) -> bool:
        """Tell whether the server ends the stream after the events that were taken."""
        return self._events.get(timeout=PATIENCE_SECONDS) is None

    def close(self) -> None:
        """Hang up."""
        # Only a shutdown ends a connection that a thread is reading from.
        connection: socket.socket = self.response.extensions["network_stream"].get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=PATIENCE_SECONDS)
        self._context.__exit__(None, None, None)
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _refuse_stream(response: httpx.Response) -> None:
    """Fail where a stream opens that should not: its end would be waited for without end."""
    assert response.headers.get("content-type") != "text/event-stream", "a stream has opened"


class WireAgent:
    """An agent of the cast over real HTTP."""

    def __init__(self, base: str, agent: Agent) -> None:
        self.base = base
        self.agent = agent
        self.http = httpx.Client(
            base_url=f"{base}/api/v1", timeout=30, event_hooks={"response": [_refuse_stream]}
        )

    @property
    def id(self) -> str:
        """The id of its session."""
        return self.agent.id

    def headers(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the headers of its requests."""
        return self.agent.headers(extra)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """GET a path below /api/v1."""
        return self.http.get(path, headers=self.headers(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """POST JSON to a path below /api/v1."""
        return self.http.post(path, json=body, headers=self.headers(headers))

    def delete(self, path: str) -> httpx.Response:
        """DELETE a path below /api/v1."""
        return self.http.delete(path, headers=self.headers())

    def send(self, to: str | list[str], category: str = "message", **members: Any) -> str:
        """Send a message, and return its id."""
        envelope = {"aisp": "0.1", "from": self.id, "category": category, "payload": {}}
        answer = self.post("/messages", {**envelope, "to": to, **members})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["message_id"])

    def stream(self, **headers: str) -> StreamReader:
        """Open the stream of its inbox; `headers` with underscores for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return StreamReader(f"{self.base}/api/v1/messages/stream", self.headers(named))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
