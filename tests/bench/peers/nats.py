"""NATS JetStream: publishes that are acknowledged once the stream has them, on disk if so configured.

The protocol is that of NATS's own documentation (Reference, Protocols, Client Protocol).
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop

from tests import processes
from tests.bench.load import Times, WrongAnswer
from tests.bench.machine import SERVER_CORES, pin
from tests.bench.programs import Program
from tests.servers import free_port, wait_for_port

SUBJECT = "inbox"
STREAM = {"name": "INBOXES", "subjects": [f"{SUBJECT}.*"], "storage": "file", "num_replicas": 1}
BODY = b'{"text":"hello"}'


@contextlib.contextmanager
def server(*, syncs: bool) -> Iterator[Program]:
    """Run a server with JetStream, which syncs each message to disk before its acknowledgement or not.

    Raises:
        FileNotFoundError: it is not installed.
    """
    program = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    if program is None:
        raise FileNotFoundError("nats-server")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="aisp-hub-bench-") as folder:
        sync = "sync_interval: always" if syncs else ""
        file = Path(folder) / "nats.conf"
        file.write_text(f"listen: 127.0.0.1:{port}\njetstream {{ store_dir: {folder}\n{sync} }}\n")
        command = [program, "-c", str(file)]
        with processes.running(command, how=signal.SIGKILL, stderr=subprocess.DEVNULL) as process:
            wait_for_port(port, process)
            pin(process.pid, SERVER_CORES)
            yield Program(f"nats://127.0.0.1:{port}", process.pid)


class _Publisher(asyncio.Protocol):
    """A connection that publishes one message after the other."""

    def __init__(self, which: int, ends: float) -> None:
        self.ends = ends
        self.times: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answers = f"answers.{os.getpid()}.{which}"
        self.subjects = itertools.cycle(f"{SUBJECT}.{number}" for number in range(which, 1000, 16))
        self.received = b""
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Subscribe to the answers, and publish."""
        self.transport = cast(asyncio.Transport, transport)
        hello = 'CONNECT {"verbose":false,"pedantic":false}\r\n'
        self.transport.write(f"{hello}SUB {self.answers} 1\r\n".encode())
        self.publish()

    def publish(self) -> None:
        """Publish, or be done."""
        self.began = time.perf_counter()
        if self.began > self.ends:
            self.transport.close()
            self.done.set_result(None)
            return
        head = f"PUB {next(self.subjects)} {self.answers} {len(BODY)}\r\n"
        self.transport.write(head.encode() + BODY + b"\r\n")

    def data_received(self, data: bytes) -> None:
        """Take an acknowledgement, and publish the next."""
        self.received += data
        if b"PING\r\n" in self.received:
            self.transport.write(b"PONG\r\n")
            self.received = self.received.replace(b"PING\r\n", b"")
        at = self.received.find(b"MSG ")
        if at < 0 or self.received.count(b"\r\n", at) < 2:
            return
        answer = self.received[at:].split(b"\r\n")[1]
        self.received = b""
        if b'"seq":' not in answer:
            self.transport.close()
            self.done.set_exception(WrongAnswer(answer))
            return
        self.times.append(time.perf_counter() - self.began)
        self.publish()


async def _make_stream(base: str) -> None:
    parts = urlsplit(base)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    body = msgspec.json.encode(STREAM)
    make = f"PUB $JS.API.STREAM.CREATE.{STREAM['name']} made {len(body)}\r\n".encode()
    writer.write(b"CONNECT {}\r\nSUB made 1\r\n" + make + body + b"\r\n")
    answer = b""
    while b"stream_create_response" not in answer:
        answer = await reader.readline()
    writer.close()
    if b'"error"' in answer:
        raise WrongAnswer(answer)


def _same(publisher: _Publisher) -> _Publisher:
    return publisher


async def _publishes(base: str, clients: int, seconds: float) -> Times:
    host, port, began = urlsplit(base).hostname or "", urlsplit(base).port or 0, time.perf_counter()
    loop = asyncio.get_running_loop()
    publishers = [_Publisher(which, began + seconds) for which in range(clients)]
    for publisher in publishers:
        await loop.create_connection(partial(_same, publisher), host, port)
    async with asyncio.timeout(seconds + 30):
        await asyncio.gather(*(publisher.done for publisher in publishers))
    each = list(itertools.chain(*(publisher.times for publisher in publishers)))
    return Times(each, time.perf_counter() - began)


def make_stream(base: str) -> None:
    """Make the stream that messages are published to."""
    uvloop.run(_make_stream(base))


def publishes(base: str, clients: int, seconds: float) -> Times:
    """Publish to a thousand subjects."""
    return uvloop.run(_publishes(base, clients, seconds))
