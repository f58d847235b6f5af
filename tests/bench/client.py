"""What `make bench` sends requests with: a client that does no more than it must."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec


def request(
    method: str, path: str, key: str, body: bytes = b"", *, host: str = "127.0.0.1", **headers: str
) -> bytes:
    """Return a whole HTTP/1.1 request with a key or, if that begins with `Bearer`, a token."""
    named = {"Authorization" if key.startswith("Bearer ") else "X-AISP-Key": key, **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    if method != "GET":
        lines += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode() + body


class Connection:
    """A keep-alive HTTP connection that does no more than it must."""

    def __init__(self, base: str) -> None:
        self.parts = urlsplit(base)

    async def open(self) -> None:
        """Connect; with https by a certificate that `SSL_CERT_FILE` names."""
        tls = self.parts.scheme == "https" or None
        self.reader, self.writer = await asyncio.open_connection(
            self.parts.hostname, self.parts.port, ssl=tls
        )

    def write(self, method: str, path: str, key: str, body: bytes = b"", **headers: str) -> None:
        """Send a request, with a key or, if that begins with `Bearer`, a token."""
        self.writer.write(request(method, path, key, body, host=self.parts.netloc, **headers))

    async def call(
        self, method: str, path: str, key: str, body: bytes = b"", **headers: str
    ) -> tuple[int, bytes]:
        """Send a request and return status and body."""
        self.write(method, path, key, body, **headers)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if b"transfer-encoding: chunked" in head.lower():
            content = b""
            while size := int(await self.reader.readline(), 16):
                content += await self.reader.readexactly(size)
                await self.reader.readline()
            await self.reader.readline()
            return int(head.split(b" ")[1]), content
        return int(head.split(b" ")[1]), await self.reader.readexactly(length)


async def register(connection: Connection, key: str, name: str) -> str:
    """Register a session and return its id."""
    body = msgspec.json.encode({"name": name, "kind": "service"})
    status, content = await connection.call("POST", "/api/v1/sessions", key, body)
    assert status == 200, content
    return str(msgspec.json.decode(content)["id"])


async def token_of(connection: Connection, key: str, session: str) -> str:
    """Return the Authorization header of a session's token."""
    body = msgspec.json.encode({"ttl_seconds": 3600})
    status, content = await connection.call("POST", f"/api/v1/sessions/{session}/token", key, body)
    assert status == 200, content
    return f"Bearer {msgspec.json.decode(content)['token']}"


def envelope(sender: str, recipient: str, **payload: Any) -> bytes:
    """Return the body of a send."""
    members = {"aisp": "0.1", "from": sender, "to": recipient, "category": "message", "payload": payload}
    return msgspec.json.encode(members)


async def rate(seconds: float, clients: Sequence[Callable[[], Awaitable[object]]]) -> float:
    """Return how often a second the clients together get through, each as fast as it can."""
    count = 0
    ends = time.perf_counter() + seconds

    async def run(client: Callable[[], Awaitable[object]]) -> None:
        nonlocal count
        while time.perf_counter() < ends:
            await client()
            count += 1

    began = time.perf_counter()
    await asyncio.gather(*map(run, clients))
    return count / (time.perf_counter() - began)
